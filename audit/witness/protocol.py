"""The C2SP tlog-witness protocol, pure: what is asked, what is answered, and by which rules.

A witness knows for each log the largest tree head that it has signed. It signs another one only
where a proof shows that the old tree is the beginning of the new.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from audit.errors import NoteError
from audit.ledger import merkle, notes
from audit.ledger.notes import Key, TreeHead

PATH: Final = "/add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
MOST_PROOF_LINES: Final = 63
LARGEST_REQUEST: Final = 128 * 1024
"""Bytes: 63 hashes and a note with more signatures than anybody must accept."""

Logs = Mapping[str, Sequence[Key]]
"""Origin of a log -> the keys that may sign for it."""


class MalformedError(Exception):
    """The bytes are not a request."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks: the size that it takes to be known, a proof from there, its tree head."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def written(self) -> bytes:
        """Return the request's body."""
        hashes = (base64.b64encode(node).decode("ascii") for node in self.proof)
        lines = [f"old {self.old}", *hashes, "", self.note]
        return "\n".join(lines).encode()

    @classmethod
    def read(cls, body: bytes) -> "Request":
        """Return the request that a body is.

        Raises:
            MalformedError: it is none.
        """
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedError("the request is not UTF-8") from None
        above, gap, note = text.partition("\n\n")
        first, *hashes = above.split("\n")
        if not gap or len(hashes) > MOST_PROOF_LINES:
            raise MalformedError("a request is an old size, up to 63 hashes, an empty line, a note")
        return cls(_old(first), tuple(map(_hash, hashes)), note)


@dataclass(frozen=True, slots=True)
class Known:
    """The largest tree head of a log that was signed here; note and cosignature as given out."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no cosignature."""

    status: HTTPStatus
    body: str
    content_type: str = TEXT_TYPE


def opened(request: Request, logs: Logs) -> TreeHead | Refusal:
    """Return the tree head that a known log has signed, or why there is none."""
    try:
        text, lines = notes.split(request.note)
        head = TreeHead.parse(text)
    except NoteError as fault:
        return Refusal(HTTPStatus.BAD_REQUEST, f"{fault}\n")
    if head.origin not in logs:
        return Refusal(HTTPStatus.NOT_FOUND, "this log is not known here\n")
    try:
        signed = notes.verify_lines(text, lines, logs[head.origin])
    except NoteError as fault:
        return Refusal(HTTPStatus.FORBIDDEN, f"{fault}\n")
    if not signed:
        return Refusal(HTTPStatus.FORBIDDEN, "no key that is known here has signed\n")
    if request.old > head.size:
        return Refusal(HTTPStatus.BAD_REQUEST, "the old size is above the new one\n")
    return head


def follows(request: Request, head: TreeHead, known: Known | None) -> Refusal | None:
    """Return why a tree head must not be signed after what is known; None where it may be."""
    size, root = (known.size, known.root) if known else (0, merkle.EMPTY)
    if request.old != size:
        return Refusal(HTTPStatus.CONFLICT, f"{size}\n", SIZE_TYPE)
    if not merkle.verify_consistency(size, head.size, root, head.root, request.proof):
        return Refusal(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"the tree of {head.size} is not shown to begin with the tree of {size} known here\n",
        )
    return None


def line_of_log(note: str, keys: Sequence[Key]) -> str:
    """Return the note with the signatures of the log's own keys alone."""
    text, lines = notes.split(note)
    ours = {(key.name, key.key_id) for key in keys}
    kept = [line for line in lines if (line.name, line.key_id) in ours]
    return f"{text}\n" + "".join(f"{line}\n" for line in kept)


def origin_hash(origin: str) -> str:
    """Return how a log is named in the path of its latest tree head."""
    return hashlib.sha256(origin.encode()).hexdigest()


def size_said(body: bytes) -> int:
    """Return the size that a 409 carries.

    Raises:
        MalformedError: it carries none.
    """
    text = body[:32].decode("ascii", "replace")
    if not text.endswith("\n"):
        raise MalformedError("the size has no end")
    return _size(text[:-1])


def _old(line: str) -> int:
    word, _, size = line.partition(" ")
    if word != "old":
        raise MalformedError("a request begins with its old size")
    return _size(size)


def _size(said: str) -> int:
    if not (said.isascii() and said.isdigit()) or len(said) > 19 or said != str(int(said)):
        raise MalformedError("a size is a plain decimal number")
    return int(said)


def _hash(line: str) -> bytes:
    try:
        node = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("a line of the proof is not base64") from None
    if len(node) != len(merkle.EMPTY):
        raise MalformedError("a line of the proof is no hash")
    return node
