"""The fake iTop in a process of its own: says where it is, and ends with its standard input.

python -m tests.bench.itop_peer TICKETS
"""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


def main() -> int:
    """Serve so many incidents until nobody needs them any more."""
    django.setup()

    from tests.doubles.itop.house import housed

    with housed() as house:
        ids = [
            house.itop.add("Incident", title=f"Printer {n} jams", description="d")
            for n in range(int(sys.argv[1]))
        ]
        sys.stdout.write(f"{house.itop.address} {ids[0]}\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
