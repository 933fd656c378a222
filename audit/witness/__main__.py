"""Run a witness: python -m audit.witness --listen HOST:PORT --state FILE --log VKEY...

It needs Python and `cryptography`, no database and nothing else of ethops.
"""

import argparse
import logging
import sys

from audit.errors import NoteError
from audit.witness import program
from audit.witness.errors import WitnessError


def main() -> int:
    """Run until stopped; 2 where it cannot begin."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    parser = argparse.ArgumentParser(prog="python -m audit.witness", description=__doc__)
    program.add_arguments(parser)
    try:
        program.serve(**vars(parser.parse_args()))
    except (WitnessError, NoteError) as fault:
        sys.stderr.write(f"{fault}\n{fault.hint}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
