#!/usr/bin/env python3
"""The only script: every other command is a management command."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent / ".venv" / "bin" / "python"

# As our screens say it: `manage.py status` works without activating anything.
if (
    find_spec("django") is None
    and ENVIRONMENT.exists()
    and Path(sys.prefix) != ENVIRONMENT.parents[1]
):
    os.execv(ENVIRONMENT, [str(ENVIRONMENT), *sys.argv])  # noqa: S606  no shell is wanted

from django.core.management import execute_from_command_line
from django.db.utils import OperationalError

from ethops import env


def main() -> None:
    """Run one management command, or say in two lines why it cannot run."""
    env.enter(sys.argv[1:])
    try:
        execute_from_command_line(sys.argv)
    except env.EnvError as fault:
        sys.exit(f"no   {fault} ({fault.code})\n     Nothing was started.")
    except OperationalError as fault:
        sys.exit(f"no   {fault}\n     The database does not let us in. `make up` starts it.")


if __name__ == "__main__":
    main()
