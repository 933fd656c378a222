"""From the files of one commit to documents and faults: the same commit, the same answer. Pure.

What one file says wrong is its own fault; what several contradict each other in is a fault of each
that does.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.knowledge.chunking import Chunk, chunks
from adapters.knowledge.front_matter import FrontMatter, Parted, part, tags
from adapters.knowledge.port import Fault
from adapters.text import plain

MOST_BYTES: Final = 256 * 1024
"""Of one document."""
MOST_OF_A_PASSAGE: Final = 32 * 1024
"""Characters: what cannot be cut and is longer is no passage that anybody reads, or indexes."""
SUPERSEDED: Final = "status:superseded"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a commit; without content where it is none that is read, and why.

    What is there `again` is indexed as it stands: its front matter is content enough.
    """

    path: str
    blob: str
    content: bytes | None
    refused: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """One document without a fault; of one that is there again only front and tags count."""

    path: str
    blob: str
    text: str
    front: FrontMatter
    tags: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    again: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """All that one commit holds."""

    documents: tuple[Made, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    file: File
    text: str
    parted: Parted
    chunks: tuple[Chunk, ...]


def whole(files: Iterable[File]) -> Whole:
    """Return the documents of a commit, by id, and what is left out and why, by path."""
    read: list[_Read] = []
    faults: list[Fault] = []
    for file in files:
        found = _read(file)
        if isinstance(found, _Read):
            read.append(found)
        else:
            faults += found
    against = list(_contradictions(read))
    out = {fault.path for fault in against}
    good = [one for one in read if one.file.path not in out]
    over = {ref for one in good if _counts(one) for ref in one.parted.front.supersedes}
    made = sorted((_made(one, over) for one in good), key=lambda one: one.front.id)
    listed = sorted({*faults, *against}, key=lambda one: (one.path, one.line, one.what))
    return Whole(tuple(made), tuple(listed))


def _counts(one: _Read) -> bool:
    """Tell whether what it says of others holds: a draft supersedes nothing yet."""
    return one.parted.front.status == "current"


def _read(file: File) -> _Read | tuple[Fault, ...]:
    if file.content is None:
        return (Fault(file.path, 1, file.refused, "Keep it as a plain file, and a small one."),)
    try:
        text = file.content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = file.content.count(b"\n", 0, error.start) + 1
        return (Fault(file.path, line, "Not UTF-8 text.", "Save the file as UTF-8."),)
    hidden = () if file.again else tuple(_hidden(file.path, text))
    if hidden:
        return hidden
    parted = part(file.path, text)
    if not isinstance(parted, Parted):
        return parted
    if file.again:
        return _Read(file, text, parted, ())
    cut = chunks(parted.front.id, parted.body, first_line=parted.first_line)
    return tuple(_too_long(file.path, cut)) or _Read(file, text, parted, cut)


def _hidden(path: str, text: str) -> Iterator[Fault]:
    """Yield the first line that says more than a person sees."""
    for number, line in enumerate(text.split("\n"), 1):
        # Between two signs, since the ends of a text are trimmed.
        if plain(f"|{line}|", len(line) + 2) != f"|{line}|":
            what = "It holds signs that nobody sees, or that reorder what is seen."
            yield Fault(path, number, what, "Take them out: control, zero-width, bidi signs.")
            return


def _too_long(path: str, cut: Iterable[Chunk]) -> Iterator[Fault]:
    for one in cut:
        if len(one.text) > MOST_OF_A_PASSAGE:
            what = f"A line, a table or code here is longer than {MOST_OF_A_PASSAGE} characters."
            yield Fault(path, one.first_line, what, "Cut it, or keep it beside the document.")


def _contradictions(read: Iterable[_Read]) -> Iterator[Fault]:
    """Yield whose id another has as well, and who supersedes what is not there, or itself."""
    read = tuple(read)
    times = Counter(one.parted.front.id for one in read)
    over = {one.parted.front.id: one.parted.front.supersedes for one in read}
    for one in read:
        path, front, line = one.file.path, one.parted.front, one.parted.line
        if times[front.id] > 1:
            others = ", ".join(
                sorted(o.file.path for o in read if o.parted.front.id == front.id and o is not one)
            )
            what = f"Its id {front.id} is also that of {others}."
            yield Fault(path, line("id"), what[:500], "Give each an id of its own.")
        for n, ref in enumerate(front.supersedes):
            why = "is no document here" if ref not in times else ""
            if front.id in _below(ref, over):
                why = "is itself" if ref == front.id else "supersedes it in turn"
            if why:
                what = f"It supersedes {ref}, which {why}."
                yield Fault(path, line("supersedes", n), what, "Name the id of an older document.")


def _below(ref: str, over: Mapping[str, Iterable[str]]) -> set[str]:
    """Return a document and all that it supersedes, however far."""
    found: set[str] = set()
    ahead = [ref]
    while ahead:
        here = ahead.pop()
        if here not in found:
            found.add(here)
            ahead += over.get(here, ())
    return found


def _made(one: _Read, over: set[str]) -> Made:
    front = one.parted.front
    said = set(tags(front))
    if front.id in over and front.status == "current":
        said = said - {"status:current"} | {SUPERSEDED}
    file = one.file
    return Made(file.path, file.blob, one.text, front, tuple(sorted(said)), one.chunks, file.again)
