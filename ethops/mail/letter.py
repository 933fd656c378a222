"""What a letter says, whatever state it is in: headers, text, files. Pure; nothing is executed.

Every letter is attacker input: the parser may meet anything, and what it trips over is left out.
"""

from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import Final

MOST_PARTS: Final = 200
MOST_FILES: Final = 20
LONGEST_HEADER: Final = 2_000
TRIPS: Final = (
    ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError,
    UnicodeError,
)  # fmt: skip
"""What the standard parser raises on letters that no program should have written."""
UNREADABLE: Final = "This letter could not be read; its bytes are kept."
BLOCKS: Final = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "hr"})
HIDDEN: Final = frozenset({"script", "style", "head", "title", "template", "noscript", "iframe"})


@dataclass(frozen=True, slots=True)
class Part:
    """A file in a letter; name and type are its sender's word."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What of a letter matters to us."""

    sender: str
    subject: str
    message_id: str
    references: str
    text: str
    files: tuple[Part, ...]
    headers: dict[str, str]
    """Names in small letters; of several with one name the first."""
    received: int
    """Through how many hands it went."""


def read(raw: bytes) -> Letter:
    """Return what a letter says; nothing in it can make this fail."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw)
        headers = _headers(message)
        texts, files = _parts(message)
    except TRIPS:
        return Letter("", "", "", "", UNREADABLE, (), {}, 0)
    senders = [address for _, address in getaddresses([headers.get("from", "")]) if address]
    return Letter(
        sender=senders[0].strip().lower()[:254] if len(senders) == 1 else "",
        subject=headers.get("subject", ""),
        message_id=headers.get("message-id", "").strip(),
        references=f"{headers.get('references', '')} {headers.get('in-reply-to', '')}",
        text="\n\n".join(texts).strip(),
        files=tuple(files),
        headers=headers,
        received=sum(1 for name, _ in message.raw_items() if name.lower() == "received"),
    )


def without_quotes(text: str) -> str:
    """Return what is new in an answer: the quotation at its end, and who is quoted, go."""
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    end = len(lines)
    while end and (lines[end - 1].startswith(">") or not lines[end - 1].strip()):
        end -= 1
    quoted = any(line.startswith(">") for line in lines[end:])
    if quoted and end and lines[end - 1].rstrip().endswith(":"):
        end -= 1
        # An attribution may be broken over two lines.
        if end and lines[end - 1].strip() and not lines[end].lstrip().startswith("On "):
            end -= lines[end - 1].lstrip().startswith(("On ", "Am ", "Le "))
    kept = "\n".join(lines[:end]).strip()
    return kept if quoted and kept else text.strip()


def plain_of_html(html: str) -> str:
    """Return the text that a page shows; scripts, styles and addresses of pictures are not it."""
    reader = _Text()
    try:
        reader.feed(html)
        reader.close()
    except TRIPS:
        return UNREADABLE
    lines = [" ".join(line.split()) for line in "".join(reader.found).split("\n")]
    return "\n".join(line for n, line in enumerate(lines) if line or (n and lines[n - 1])).strip()


class _Text(HTMLParser):
    """Collects what is shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line at a block, and hear nothing in what is not shown."""
        del attrs
        self._hidden += tag in HIDDEN
        if tag in BLOCKS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End what began."""
        if tag in HIDDEN and self._hidden:
            self._hidden -= 1
        if tag in BLOCKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep it if it is shown."""
        if not self._hidden:
            self.found.append(data)


def _headers(message: Message) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, raw in message.raw_items():
        key = name.lower()
        if key in found:
            continue
        try:
            # The policy decodes it only here, and may trip over it.
            value = str(message.policy.header_fetch_parse(name, raw))
        except TRIPS:
            value = str(raw)
        found[key] = " ".join(value.split())[:LONGEST_HEADER]
    return found


def _parts(message: Message) -> tuple[list[str], list[Part]]:
    """Return texts and files; of text written twice, the plain one."""
    plain: list[str] = []
    pages: list[str] = []
    files: list[Part] = []
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            break
        if part.is_multipart() and part.get_content_maintype() != "message":
            continue
        kind = part.get_content_type()
        name = _name(part)
        if name is None and kind == "text/plain":
            plain.append(_text(part))
        elif name is None and kind == "text/html":
            pages.append(plain_of_html(_text(part)))
        elif len(files) < MOST_FILES and (content := _bytes(part)):
            files.append(Part(name or _untold(kind), kind, content))
    shown = [text for text in plain if text.strip()] or [text for text in pages if text]
    return shown, files


def _name(part: Message) -> str | None:
    """Return a file's name; None for what is part of the text."""
    try:
        name = part.get_filename()
        attached = part.get_content_disposition() == "attachment"
    except TRIPS:
        return "file"
    return str(name) if name else "file" if attached else None


def _untold(kind: str) -> str:
    return f"file.{kind.partition('/')[2][:20]}" if kind.startswith("image/") else "file"


def _bytes(part: Message) -> bytes:
    try:
        if part.get_content_maintype() == "message":
            inner = part.get_payload()
            one = inner[0] if isinstance(inner, list) and inner else None
            return one.as_bytes() if isinstance(one, Message) else b""
        found = part.get_payload(decode=True)
    except TRIPS:
        return b""
    return found if isinstance(found, bytes) else b""


def _text(part: Message) -> str:
    content = _bytes(part)
    try:
        return content.decode(str(part.get_content_charset() or "utf-8"), "replace")
    except TRIPS:
        return content.decode("utf-8", "replace")
