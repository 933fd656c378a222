"""One bare repository: a change becomes a commit, and a head becomes part of the base.

Nothing is checked out and no name is believed: the base moves from the commit that was merged with
to the merge, or not at all.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from adapters.forge import files as rules
from adapters.forge.errors import ConflictError, ForgeUnavailableError, NothingChangedError
from adapters.forge.git import Git, Said
from adapters.forge.port import Change, ChangeKind, File
from adapters.text import one_line, plain

MOST_TRIES: Final = 5
"""So often the base may move under a merge before it is given up."""
MAIL: Final = "ethops@ethops.invalid"
NOBODY: Final = "0" * 40


class Repository:
    """A bare repository, made at its first use."""

    def __init__(self, git: Git, base: str) -> None:
        self._git = git
        self._base = f"refs/heads/{base}"
        self._short = base

    def tip(self) -> str:
        """Return the commit at which the base stands."""
        found = self._git("rev-parse", "--verify", "--quiet", f"{self._base}^{{commit}}")
        return found.out.decode("ascii").strip() if found.code == 0 else self._made()

    def commit(
        self, parent: str, branch: str, changed: Sequence[File], *, message: str, author: str
    ) -> tuple[str, tuple[Change, ...]]:
        """Put the files on top of a commit, let the branch point there, and say what they do.

        Raises:
            ChangeRefusedError, NothingChangedError: nothing was written that anybody finds.
        """
        rules.check(changed)
        modes = self._modes(parent)
        done = rules.changes(changed, modes)
        stream = _stream(parent, branch, changed, modes, _said(message), _who(author))
        made = _line(self._do("fast-import", "--quiet", "--force", "--done", stdin=stream))
        if self._tree(made) == self._tree(parent):
            raise NothingChangedError("The files already are as they are to become.")
        return made, done

    def compared(self, old: str, new: str) -> tuple[Change, ...]:
        """Return what lies between two commits, file by file."""
        raw = self._do("diff-tree", "-r", "-z", "--raw", "--no-renames", "--abbrev=64", old, new)
        fields = raw.out.decode("utf-8", "backslashreplace").split("\0")
        pairs = list(zip(fields[:-1:2], fields[1::2], strict=False))
        sizes = self._sizes([head.split()[3] for head, _ in pairs])
        return tuple(
            Change(path, _KINDS.get(head[-1], "changed"), size)
            for (head, path), size in zip(pairs, sizes, strict=True)
        )

    def fork(self, head: str) -> str:
        """Return the commit at which a head left the base."""
        return _line(self._do("merge-base", self.tip(), head))

    def merge(self, head: str, *, message: str, by: str) -> str:
        """Make a head part of the base and return the merge; one that is part of it is found again.

        Raises:
            ConflictError: the base says something else of the same lines.
            ForgeUnavailableError: the base moved each time.
        """
        for _ in range(MOST_TRIES):
            old = self.tip()
            if self._holds(old, head):
                return self._merge_of(old, head)
            made = self._commit_of(self._merged_tree(old, head), (old, head), message, by)
            if self._git("update-ref", "-m", "merge", self._base, made, old).code == 0:
                return made
        raise ForgeUnavailableError(f"{self._short} moved {MOST_TRIES} times under the merge.")

    def drop(self, branch: str) -> None:
        """Delete a branch; one that is not there is left alone."""
        self._do("update-ref", "-d", f"refs/heads/{branch}")

    def _made(self) -> str:
        self._do("init", "--quiet", "--bare", "--template=", f"--initial-branch={self._short}")
        empty = _line(self._do("mktree"))
        root = self._commit_of(empty, (), "Beginning", "ethops")
        # Somebody else may have been quicker; then his stays.
        self._git("update-ref", self._base, root, NOBODY)
        return _line(self._do("rev-parse", "--verify", f"{self._base}^{{commit}}"))

    def _merged_tree(self, old: str, head: str) -> str:
        words = ("--write-tree", "--name-only", "--no-messages", "-z", old, head)
        said = self._git("merge-tree", *words)
        tree, *conflicts = said.out.decode("utf-8", "backslashreplace").split("\0")
        if said.code == 1:
            names = one_line(", ".join(filter(None, conflicts)), 400)
            raise ConflictError(f"{self._short} changed the same: {names}.")
        if said.code:
            raise _failed("merge-tree", said)
        return tree.strip()

    def _commit_of(self, tree: str, parents: Sequence[str], message: str, by: str) -> str:
        who = f"{_who(by)} {int(time.time())} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        text = "\n".join([*lines, f"author {who}", f"committer {who}", "", _said(message)])
        return _line(self._do("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode()))

    def _holds(self, tip: str, head: str) -> bool:
        said = self._git("merge-base", "--is-ancestor", head, tip)
        if said.code not in (0, 1):
            raise _failed("merge-base", said)
        return said.code == 0

    def _merge_of(self, tip: str, head: str) -> str:
        words = ("--merges", "--first-parent", "--ancestry-path", "--reverse", f"{head}..{tip}")
        found = self._do("rev-list", *words).out.decode("ascii").split()
        return found[0] if found else head

    def _modes(self, commit: str) -> Mapping[str, str]:
        raw = self._do("ls-tree", "-r", "-t", "-z", "--full-tree", commit).out
        entries = (entry.partition("\t") for entry in raw.decode("utf-8", "replace").split("\0"))
        return {path: head.split(" ", 1)[0] for head, _, path in entries if path}

    def _sizes(self, objects: Sequence[str]) -> list[int]:
        asked = "".join(f"{each}\n" for each in objects).encode()
        said = self._do("cat-file", "--batch-check=%(objectsize)", stdin=asked).out
        return [int(line) if line.isdigit() else 0 for line in said.decode("ascii").splitlines()]

    def _tree(self, commit: str) -> str:
        return _line(self._do("rev-parse", "--verify", f"{commit}^{{tree}}"))

    def _do(self, *words: str, stdin: bytes = b"") -> Said:
        said = self._git(*words, stdin=stdin)
        if said.code:
            raise _failed(words[0], said)
        return said


_KINDS: Final[Mapping[str, ChangeKind]] = {"A": "added", "D": "removed"}


def _stream(
    parent: str,
    branch: str,
    changed: Sequence[File],
    modes: Mapping[str, str],
    message: str,
    who: str,
) -> bytes:
    """Return what makes one commit of plain files; paths have been held against the rules."""
    now = int(time.time())
    said = message.encode()
    parts = [
        f"commit refs/heads/{branch}\nmark :1\nauthor {who} {now} +0000\n"
        f"committer ethops <{MAIL}> {now} +0000\ndata {len(said)}\n".encode(),
        said,
        f"\nfrom {parent}\n".encode(),
    ]
    for file in changed:
        if file.content is None:
            parts.append(f"D {file.path}\n".encode())
            continue
        mode = modes.get(file.path, rules.PLAIN[0])
        parts.append(f"M {mode} inline {file.path}\ndata {len(file.content)}\n".encode())
        parts += [file.content, b"\n"]
    return b"".join([*parts, b"\nget-mark :1\ndone\n"])


def _said(message: str) -> str:
    return plain(message, 10_000) + "\n"


def _who(name: str) -> str:
    """Return a name that cannot be taken for more than one in the header of a commit."""
    return f"{one_line(name, 150).translate(_NO_BRACKETS) or 'nobody'} <{MAIL}>"


_NO_BRACKETS: Final = {ord("<"): None, ord(">"): None}


def _line(said: Said) -> str:
    return said.out.decode("ascii", "replace").strip()


def _failed(word: str, said: Said) -> ForgeUnavailableError:
    return ForgeUnavailableError(f"git {word} ended with {said.code}: {said.complaint}")
