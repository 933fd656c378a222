"""The demo's small service, which also writes down each of its starts: `--starts FILE`."""

import argparse
import os
import sys
import time
from pathlib import Path

from ethops.demo import service


def main() -> None:
    """Note the start in one atomic write, then serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=Path, required=True)
    said, rest = parser.parse_known_args()
    with said.starts.open("a", encoding="ascii") as log:
        log.write(f"{time.time()} {os.getpid()}\n")
    sys.argv[1:] = rest
    service.main()


if __name__ == "__main__":
    main()
