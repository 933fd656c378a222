"""`manage.py ledger witness`: witness the ledgers of others on this host."""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from ethops.env import CLONE


def run(options: dict[str, Any]) -> NoReturn:
    """Become the witness: a program without Django and without a database."""
    state: Path = options["state"].expanduser().absolute()
    words = [
        *("-m", "audit.witness", "--listen", options["listen"], "--state", str(state)),
        *("--name", options["name"], "--log", *options["log"]),
    ]
    os.chdir(CLONE)
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - this process becomes it
