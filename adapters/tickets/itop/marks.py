"""How a write is known again: a mark in the text, and who and why in the comment. Pure."""

import html
import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from adapters.text import one_line, plain
from adapters.tickets.port import Note

_MARK: Final = re.compile(
    r"\[ethops:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\]"
)
_TAG: Final = re.compile(r"<[^>]*>")
_BREAK: Final = re.compile(r"(?i)<br\s*/?>|</p>|</div>|</li>")
TEXT: Final = 20_000
COMMENT: Final = 200
COLUMN: Final = 65_000
"""Bytes of a text there, 65,535 with its paragraphs and our mark: beyond, MySQL refuses all."""
_AS_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": "<br>"}


def mark(key: UUID) -> str:
    """Return the mark of a write: its key, which no other write has."""
    return f"[ethops:{key}]"


def line(note: Note, text: str, key: UUID) -> str:
    """Return a line of a log as iTop keeps it: what is said, by whom, and the mark."""
    return f"{text}\n-- {one_line(note.author, 150)} ({note.author_kind}) {mark(key)}"


def comment(note: Note, key: UUID) -> str:
    """Return what iTop's history says of a write: its key, the action, and whose it is."""
    said = f"ethops key={key} action={note.action_id or '-'} by={note.author_kind}:{note.author}"
    return one_line(said, COMMENT)


def description(text: str, key: UUID) -> str:
    """Return a description as HTML: escaped, lines kept, the mark at its end."""
    return f"{as_html(text)}<p>{mark(key)}</p>"


def as_html(text: str) -> str:
    """Return a text as iTop's pages have it: what is no tag of theirs would be taken away.

    It is cut where iTop's column ends: whoever wrote that much has the whole of it here.
    """
    left, said = COLUMN, []
    for char in text:
        one = _AS_HTML.get(char, char)
        left -= len(one.encode("utf-8", "replace"))
        if left < 0:
            said.append("…")
            break
        said.append(one)
    return f"<p>{''.join(said)}</p>"


def read(said: str) -> str:
    """Return a text that iTop keeps as HTML, plain and without our mark."""
    bare = html.unescape(_TAG.sub("", _BREAK.sub("\n", said)))
    return plain(_MARK.sub("", bare), TEXT)


def said(text: str) -> str:
    """Return a text that iTop keeps as it was typed, a title or a line, without our mark."""
    return plain(_MARK.sub("", text), TEXT)


def keys_in(said: str) -> tuple[UUID, ...]:
    """Return the keys of the marks in a text, whoever wrote them there."""
    return tuple(UUID(one) for one in _MARK.findall(said))


def entries(fields: Mapping[str, Any], log: str) -> tuple[Mapping[str, Any], ...]:
    """Return the lines of a log, oldest first; a log that is not there has none."""
    kept = fields.get(log)
    found = kept.get("entries") if isinstance(kept, dict) else None
    return tuple(one for one in found or () if isinstance(one, dict))


def count(fields: Mapping[str, Any], log: str, key: UUID) -> int:
    """Tell how many lines of a log bear the mark of a write."""
    sign = mark(key)
    return sum(sign in str(one.get("message", "")) for one in entries(fields, log))


def oql(text: str) -> str:
    """Return a text as it stands between the quotes of a query."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
