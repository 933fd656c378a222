"""A module of the tests as a process of its own, in which Django is ready before it is imported.

python -m tests.child MODULE WORD...
"""

import runpy
import sys

import django


def main() -> None:
    """Run it with the words that are left."""
    del sys.argv[0]
    django.setup()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
