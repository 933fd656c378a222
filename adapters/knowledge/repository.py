"""What a branch holds: the files of its head, read by git, which is handed in from above."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from adapters.errors import AdapterError
from adapters.knowledge.documents import MOST_BYTES, File
from adapters.knowledge.errors import RepositoryAwayError
from adapters.text import one_line

PLAIN: Final = frozenset({"100644", "100755"})
MOST_FILES: Final = 20_000
MOST_BYTES_TOGETHER: Final = 128 * 1024 * 1024
MOST_AT_ONCE: Final = 8 * 1024 * 1024
LONGEST_PATH: Final = 400
ENDING: Final = ".md"


class Said(Protocol):
    """How git ended, what it wrote, and what it complained of."""

    @property
    def code(self) -> int:
        """Return 0 where it did what was asked."""
        ...

    @property
    def out(self) -> bytes:
        """Return what it wrote."""
        ...

    @property
    def complaint(self) -> str:
        """Return what it said beside that."""
        ...


class Git(Protocol):
    """Git on one bare repository, by somebody who may start it; bounded in time and in words."""

    def __call__(self, *words: str, stdin: bytes = b"") -> Said:
        """Run it to its end and return what it said."""
        ...


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    blob: str
    size: int
    refused: str


class Branch:
    """One branch of a repository."""

    def __init__(self, git: Git, name: str) -> None:
        self._git = git
        self._name = name

    def head(self) -> str:
        """Return the commit at which it stands.

        Raises:
            RepositoryAwayError: there is no such branch, or git cannot say.
        """
        said = self._run("rev-parse", "--verify", "--quiet", f"refs/heads/{self._name}^{{commit}}")
        if said.code:
            raise RepositoryAwayError(f"There is no branch {self._name}. {said.complaint}".strip())
        return said.out.decode("ascii", "replace").strip()

    def files(self, commit: str, known: Mapping[tuple[str, str], bytes]) -> Iterator[File]:
        """Yield every document of a commit, by path; what is known by path and blob is not read.

        Raises:
            RepositoryAwayError: git cannot say, or there are too many.
        """
        batch: list[_Entry] = []
        for entry in self._entries(commit):
            if entry.refused:
                yield File(entry.path, entry.blob, None, entry.refused)
                continue
            if (front := known.get((entry.path, entry.blob))) is not None:
                yield File(entry.path, entry.blob, front, again=True)
                continue
            if batch and sum(one.size for one in batch) + entry.size > MOST_AT_ONCE:
                yield from self._contents(batch)
                batch = []
            batch.append(entry)
        yield from self._contents(batch)

    def _entries(self, commit: str) -> Sequence[_Entry]:
        listed = self._do("ls-tree", "-r", "-z", "-l", "--full-tree", commit).out
        lines = (line.partition(b"\t") for line in listed.split(b"\0") if line)
        found = [
            _entry(head.decode("ascii", "replace").split(), path)
            for head, _, path in lines
            if path.lower().endswith(ENDING.encode())
        ]
        if len(found) > MOST_FILES:
            raise RepositoryAwayError(f"{len(found)} documents are more than {MOST_FILES}.")
        if (size := sum(one.size for one in found)) > MOST_BYTES_TOGETHER:
            raise RepositoryAwayError(
                f"Documents of {size} bytes are more than {MOST_BYTES_TOGETHER}."
            )
        return found

    def _contents(self, entries: Sequence[_Entry]) -> Iterator[File]:
        if not entries:
            return
        asked = "".join(f"{one.blob}\n" for one in entries).encode()
        out, at = self._do("cat-file", "--batch", stdin=asked).out, 0
        for one in entries:
            begin = out.index(b"\n", at) + 1
            if out[at:begin].split() != [one.blob.encode(), b"blob", str(one.size).encode()]:
                raise RepositoryAwayError(f"git has not {one.path} as its tree says.")
            yield File(one.path, one.blob, out[begin : begin + one.size])
            at = begin + one.size + 1

    def _do(self, *words: str, stdin: bytes = b"") -> Said:
        said = self._run(*words, stdin=stdin)
        if said.code:
            raise RepositoryAwayError(f"git {words[0]} ended with {said.code}: {said.complaint}")
        return said

    def _run(self, *words: str, stdin: bytes = b"") -> Said:
        try:
            return self._git(*words, stdin=stdin)
        except AdapterError as fault:
            # Whoever starts git has errors of his own.
            raise RepositoryAwayError(str(fault)) from fault


def _entry(head: Sequence[str], raw: bytes) -> _Entry:
    mode, _, blob, size = head
    path = one_line(raw.decode("utf-8", "backslashreplace"), LONGEST_PATH)
    if mode not in PLAIN:
        return _Entry(path, blob, 0, "It is no plain file: a link, or another repository.")
    if int(size) > MOST_BYTES:
        return _Entry(path, blob, 0, f"It is larger than {MOST_BYTES} bytes.")
    return _Entry(path, blob, int(size), "")
