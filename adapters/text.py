"""Text from outside, made fit to store and to show."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Control characters, and the invisible ones that reorder or hide text (bidi, zero width, tags).
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


def plain(text: str, limit: int) -> str:
    """Return the text without control characters, cut to `limit` characters, lines kept."""
    fit = _UNFIT.sub("", _ANSI.sub("", text.replace("\r\n", "\n"))).strip()
    return fit if len(fit) <= limit else fit[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int) -> str:
    """Return the text on one line, runs of white space made one space."""
    return plain(" ".join(_ANSI.sub("", text).split()), limit)


def storable(text: str) -> str:
    """Return the text without what no database keeps: NUL and halves of surrogate pairs."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def storable_json(value: Any) -> Any:
    """Return JSON with all its texts storable, names of keys too."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_json(each) for key, each in value.items()}
    if isinstance(value, Sequence):
        return [storable_json(each) for each in value]
    return value
