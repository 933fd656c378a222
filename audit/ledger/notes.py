"""Signed notes, tree heads and cosignatures, pure; as C2SP specifies them.

Signed-note, tlog-checkpoint and tlog-cosignature. A note is text, an empty line, and signature
lines `— NAME base64(key id || signature)`. A tree head (a log's checkpoint, in their words) is a
note of a fixed form; a witness adds a line with a time.
Only Ed25519: type 0x01 for a log, 0x04 for a cosignature.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import NoteError

MARK = "— "
MOST_SIGNATURES = 100
LONGEST_NOTE = 1_000_000
ROOT_BYTES = 32
SIGNATURE_BYTES = 64


class Kind(IntEnum):
    """The signature types that we know, as signed-note numbers them."""

    NOTE = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class Key:
    """The public half: a name, 32 bytes of Ed25519, and what it signs."""

    name: str
    public: bytes
    kind: Kind = Kind.NOTE

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash that names key and kind."""
        said = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(said).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one word: name+id+base64(kind || public)."""
        return f"{self.name}+{self.key_id.hex()}+{_text(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> "Key":
        """Return the key that a vkey spells.

        Raises:
            NoteError: it is none, or one of a kind that we do not know.
        """
        name, said_id, material = _three_parts(vkey)
        if len(material) != 1 + ROOT_BYTES or material[0] not in list(Kind):
            raise NoteError(f"{vkey!r} is not an Ed25519 key")
        key = cls(name, material[1:], Kind(material[0]))
        if key.key_id.hex() != said_id:
            raise NoteError(f"{vkey!r}: its id does not belong to its name and key")
        return key

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key signed the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """The private half; `word` is for a file that only its owner can read."""

    name: str
    private: Ed25519PrivateKey
    kind: Kind = Kind.NOTE

    @classmethod
    def new(cls, name: str, kind: Kind = Kind.NOTE) -> "Signer":
        """Return a signer with a key that nobody had before."""
        return cls(_good_name(name), Ed25519PrivateKey.generate(), kind)

    @classmethod
    def parse(cls, word: str) -> "Signer":
        """Return the signer that a private word spells.

        Raises:
            NoteError: it is none; the message does not repeat it.
        """
        start, _, rest = word.strip().partition("PRIVATE+KEY+")
        try:
            if start:
                raise NoteError("no private key")
            name, said_id, material = _three_parts(rest)
            if len(material) != 1 + ROOT_BYTES:
                raise NoteError("no private key")
            private = Ed25519PrivateKey.from_private_bytes(material[1:])
            signer = cls(name, private, Kind(material[0]))
        except (NoteError, ValueError):
            raise NoteError("this is not the private word of an Ed25519 key") from None
        if signer.key.key_id.hex() != said_id:
            raise NoteError("the private word is damaged: its id does not belong to its key")
        return signer

    @property
    def word(self) -> str:
        """The private key as one word, in the form that other tools for notes use."""
        material = _text(bytes([self.kind]) + self.private.private_bytes_raw())
        return f"PRIVATE+KEY+{self.name}+{self.key.key_id.hex()}+{material}"

    @property
    def key(self) -> Key:
        """The public half."""
        return Key(self.name, self.private.public_key().public_bytes_raw(), self.kind)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    data: bytes

    def __str__(self) -> str:
        """The line, without its end."""
        return f"{MARK}{self.name} {_text(self.key_id + self.data)}"


@dataclass(frozen=True, slots=True)
class Verified:
    """A key whose signature is good; `at` is the time of a cosignature in seconds."""

    key: Key
    at: int | None = None


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a log says of itself at one size."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = [self.origin, str(self.size), _text(self.root), *self.extensions]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "TreeHead":
        """Return the tree head that a text is.

        Raises:
            NoteError: it is none.
        """
        origin, size, root, *extensions = [*text.split("\n"), "", ""]
        head = cls(origin, _number(size), _bytes(root), tuple(extensions[:-3]))
        if not origin or len(head.root) != ROOT_BYTES or head.text != text:
            raise NoteError("the text is not a tree head")
        if not all(head.extensions):
            raise NoteError("the tree head has an empty line in it")
        return head


# ---------------------------------------------------------------- notes


def sign(text: str, signer: Signer) -> str:
    """Return the note of a text with one signature."""
    _good_text(text)
    return f"{text}\n{signature_of(text, signer)}\n"


def signature_of(text: str, signer: Signer) -> Signature:
    """Return the plain signature of a note's text."""
    return Signature(signer.name, signer.key.key_id, signer.private.sign(text.encode()))


def cosign(text: str, signer: Signer, at: int) -> Signature:
    """Return a witness's line for a tree head, with the time in seconds."""
    message = _cosigned(text, at)
    return Signature(
        signer.name, signer.key.key_id, struct.pack(">Q", at) + signer.private.sign(message)
    )


def add_lines(note: str, lines: Iterable[Signature]) -> str:
    """Return the note with further signature lines, each once."""
    _, known = split(note)
    return note + "".join(f"{line}\n" for line in dict.fromkeys(lines) if line not in known)


def split(note: str) -> tuple[str, list[Signature]]:
    """Return text and signature lines of a note; nothing is verified yet.

    Raises:
        NoteError: this is not a note.
    """
    if len(note) > LONGEST_NOTE:
        raise NoteError("the note is too long")
    text, gap, rest = note.rpartition("\n\n")
    if not gap or not rest.endswith("\n"):
        raise NoteError("the note has no signatures")
    _good_text(text + "\n")
    lines = rest[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError("the note has too many signatures")
    return text + "\n", [parse_line(line) for line in lines]


def parse_line(line: str) -> Signature:
    """Return the signature that a line spells.

    Raises:
        NoteError: it spells none.
    """
    mark, name, data, *more = [*line.split(" "), "", ""]
    raw = _bytes(data)
    if mark != MARK.strip() or any(more) or len(raw) < 5:
        raise NoteError(f"not a signature line: {line[:80]!r}")
    return Signature(_good_name(name), raw[:4], raw[4:])


def open_note(note: str, keys: Iterable[Key]) -> tuple[str, list[Verified]]:
    """Return the text of a note and the keys among `keys` whose signatures are good.

    Raises:
        NoteError: no note, a bad signature of a known key, or none of a known key.
    """
    text, lines = split(note)
    verified = verify_lines(text, lines, keys)
    if not verified:
        raise NoteError("none of the known keys signed this note")
    return text, verified


def verify_lines(text: str, lines: Sequence[Signature], keys: Iterable[Key]) -> list[Verified]:
    """Return the keys whose lines are good; lines of unknown keys are passed over.

    Raises:
        NoteError: a line of a known key is bad.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[Key, Verified] = {}
    for line in lines:
        key = known.get((line.name, line.key_id))
        if key is None or key in found:
            continue
        found[key] = _verified(text, line, key)
    return list(found.values())


def _verified(text: str, line: Signature, key: Key) -> Verified:
    at, message, signature = None, text.encode(), line.data
    if key.kind is Kind.COSIGNATURE and len(line.data) == 8 + SIGNATURE_BYTES:
        at = struct.unpack(">Q", line.data[:8])[0]
        message, signature = _cosigned(text, at), line.data[8:]
    if not key.verifies(message, signature) or (at is None) is (key.kind is Kind.COSIGNATURE):
        raise NoteError(f"the signature of {key.name} is bad")
    return Verified(key, at)


def _cosigned(text: str, at: int) -> bytes:
    TreeHead.parse(text)
    return f"cosignature/v1\ntime {at}\n{text}".encode()


# ---------------------------------------------------------------- spelling


def _good_text(text: str) -> None:
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise NoteError("the text of a note is not UTF-8")
    if not text.endswith("\n") or any(ord(c) < 0x20 and c != "\n" for c in text):
        raise NoteError("the text of a note ends in a newline and has no control characters")


def _good_name(name: str) -> str:
    if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
        raise NoteError(f"{name!r} is no name for a key: no spaces and no plus signs")
    return name


def _three_parts(word: str) -> tuple[str, str, bytes]:
    # Base64 may hold a plus sign, a name and an id may not.
    name, _, rest = word.partition("+")
    said_id, _, material = rest.partition("+")
    return _good_name(name), said_id, _bytes(material)


def _number(said: str) -> int:
    if not (said.isascii() and said.isdigit()) or len(said) > 19 or said != str(int(said)):
        raise NoteError("the size of a tree head is a plain decimal number")
    return int(said)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(said: str) -> bytes:
    try:
        data = base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("a part of the note is not base64") from None
    if _text(data) != said:
        raise NoteError("a part of the note is not in the one spelling of base64")
    return data
