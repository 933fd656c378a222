"""Files with a secret: there, for few to read, and, where a header carries it, of one line."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MEND: Final = "Put the secret there, for the users alone who ask with it (mode 600, or 640)."
UNFIT: Final = "it is not one line of visible ASCII characters alone"


class UnfitSecretError(Exception):
    """The file has no secret that a header can carry; what it holds is not told."""


def read(secret: Path) -> str:
    """Return the secret, as a header carries it.

    Raises:
        UnfitSecretError: it cannot be read, or is none.
    """
    try:
        said = secret.read_text(encoding="utf-8").strip()
    except OSError as fault:
        raise UnfitSecretError(fault.strerror) from fault
    except UnicodeDecodeError:
        raise UnfitSecretError(UNFIT) from None
    # What a header cannot carry, a client repeats in what it says of that.
    if not re.fullmatch(r"[!-~]+", said):
        raise UnfitSecretError(UNFIT)
    return said


def faults(secret: Path) -> Iterator[str]:
    """Yield what is wrong with it; its text is not looked at."""
    try:
        told = secret.stat()
    except OSError as fault:
        yield f"it cannot be read ({fault.strerror})."
        return
    if not stat.S_ISREG(told.st_mode) or told.st_size == 0:
        yield "there is nothing in it."
    elif told.st_mode & stat.S_IRWXO:
        yield "everybody may read it."


def token_faults(secret: Path) -> Iterator[str]:
    """Yield what is wrong with one that a header carries, as far as this user may read it."""
    found = tuple(faults(secret))
    yield from found
    if found or not os.access(secret, os.R_OK):
        return
    try:
        read(secret)
    except UnfitSecretError as fault:
        yield f"{fault}."
