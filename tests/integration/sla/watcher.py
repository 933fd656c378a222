"""A process whose children look after promises again and again, until they are killed.

For each line that it reads it has one child, says its number, and says so when it is gone.
"""

import os
import sys

from ethops.desk import levels


def main() -> None:
    """Have one child after the other."""
    parent = os.getpid()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            while os.getppid() == parent:
                levels.watch()
            os._exit(0)
        print(child, flush=True)  # noqa: T201 - whoever asked waits for this
        os.waitpid(child, 0)
        print("gone", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
