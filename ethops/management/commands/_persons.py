"""Acts of a person: who does it and why, and what the database refuses in its own words."""

import getpass
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import DatabaseError


def signed(parser: ArgumentParser) -> None:
    """Declare who acts, and why."""
    parser.add_argument("--by", default=getpass.getuser(), help="your name")
    parser.add_argument("--why", required=True, help="goes on record")


@contextmanager
def refused() -> Iterator[None]:
    """Turn what the database refuses into one line.

    Raises:
        CommandError: it refused.
    """
    try:
        yield
    except DatabaseError as fault:
        raise CommandError(str(fault).splitlines()[0]) from fault
