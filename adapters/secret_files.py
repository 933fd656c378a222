"""Whether a file may hold a secret: there, not empty, and not for everybody to read."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MEND: Final = "Put the secret there, for the users alone who ask with it (mode 600, or 640)."


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
