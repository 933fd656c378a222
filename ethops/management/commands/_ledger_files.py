"""Files that ledger commands write: new ones only, so that nobody loses what he has."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from django.core.management.base import CommandError


@contextmanager
def new_file(file: Path) -> Iterator[TextIO]:
    """Open a file that is not there yet; half of one is not left behind.

    Raises:
        CommandError: it is there, or cannot be written.
    """
    try:
        with ExitStack() as half:
            with file.open("x", encoding="utf-8") as out:
                half.callback(file.unlink)
                yield out
            half.pop_all()
    except OSError as fault:
        message = f"{file} cannot be written: {fault.strerror}. Nothing is overwritten."
        raise CommandError(message, returncode=2) from fault
