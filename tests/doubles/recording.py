"""Recorder and signer for the length of a call: what waits is written down, and signed."""

import psycopg

from audit import processes
from audit.checkpointer import Tree
from audit.ledger.logkeys import KeyFile
from audit.recorder import Recorder


def write_down(link: psycopg.Connection) -> None:
    """Record all that waits, each batch under the name that the log has by then."""
    while Recorder("").record(link, processes.origin(link)):
        pass


def sign_heads(link: psycopg.Connection, keys: KeyFile) -> Tree:
    """Sign until there is nothing that no head covers."""
    tree = Tree.resume(link, keys)
    while tree.sign_next(link):
        pass
    return tree
