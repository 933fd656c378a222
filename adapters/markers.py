"""By what a check is known in a system that others use: the marker with which its titles begin."""

import re
import secrets
from datetime import timedelta
from typing import Final

WORD: Final = "ethops check"
AFTER: Final = timedelta(hours=1)
"""A check that began longer ago was killed: one takes minutes."""
_SAID: Final = re.compile(rf"\[?(?:{WORD} )?([0-9a-f]{{8}})\]?")
_TITLED: Final = re.compile(rf"\[({WORD} [0-9a-f]{{8}})\] \S.*")


def new() -> str:
    """Return the marker of a check that begins."""
    return f"{WORD} {secrets.token_hex(4)}"


def named(said: str) -> str | None:
    """Return the marker that somebody names, by its eight signs at least; None where it is none."""
    found = _SAID.fullmatch(said)
    return found and f"{WORD} {found[1]}"


def is_of_check(title: str, marker: str = "") -> bool:
    """Tell whether a title is one that a check gives: of this marker, or of any."""
    found = _TITLED.fullmatch(title)
    return found is not None and marker in ("", found[1])
