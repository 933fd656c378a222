#!/usr/bin/env python
"""The only script: every other command is a management command."""

import sys

from django.core.management import execute_from_command_line

from ethops import env


def main() -> None:
    """Run one management command, or say in two lines why it cannot run."""
    env.enter(sys.argv[1:])
    try:
        execute_from_command_line(sys.argv)
    except env.EnvError as fault:
        sys.exit(f"no   {fault}\n     Nothing was started.")


if __name__ == "__main__":
    main()
