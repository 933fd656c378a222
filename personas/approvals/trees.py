"""Keeps the files behind each hash: a person is shown exactly what runs, and what changed."""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from personas.approvals.models import Author, Tree
from personas.catalogue import IGNORED, Pinned

LONGEST = 200_000
"""A file longer than this is shown by its hash alone."""


def keep(pinned: Iterable[Pinned], folder: Path) -> None:
    """Keep the trees that are not kept yet, each with its diff against the entry's tree before."""
    for entry in pinned:
        if Tree.objects.filter(tree_hash=entry.tree_hash).exists():
            continue
        before = Tree.objects.filter(entry=entry.name).order_by("-loaded_at").first()
        files = list(_files(folder / entry.document.folder))
        text = diff(before.files if before else [], files)
        Tree.objects.create(
            tree_hash=entry.tree_hash,
            entry=entry.name,
            files=files,
            before=before.tree_hash if before else "",
            diff=text,
            diff_sha256=hashlib.sha256(text.encode()).hexdigest(),
        )


def note_authors(person: str, *, trees: Iterable[str] = (), cards: Iterable[str] = ()) -> None:
    """Note who pinned these trees, or loaded these cards: he does not approve what they do."""
    for kind, digests in (("tree", trees), ("card", cards)):
        for digest in digests:
            Author.objects.get_or_create(kind=kind, digest=digest, person=person)


def diff(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> str:
    """Return one unified diff over all files, in order of path."""
    old = {file["path"]: file for file in before}
    new = {file["path"]: file for file in after}
    parts: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path, {}), new.get(path, {})
        if was.get("sha256") != now.get("sha256"):
            parts += _changed(path, was, now)
    return "\n".join(parts)


def _changed(path: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    before, after = (str(one.get("text") or "").splitlines() for one in (was, now))
    if any(one and one["text"] is None for one in (was, now)):
        yield f"{path}: {was.get('sha256', 'not there')} -> {now.get('sha256', 'not there')}"
        return
    yield from difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", lineterm="")


def _files(tree: Path) -> Iterator[dict[str, str | None]]:
    for path in sorted(tree.rglob("*")):
        relative = path.relative_to(tree)
        if IGNORED in relative.parts or not path.is_file():
            continue
        content = path.read_bytes()
        yield {
            "path": relative.as_posix(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "text": _text(content),
        }


def _text(content: bytes) -> str | None:
    """Return the file as text; None where it is none, or too long to be read by anybody."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if len(text) > LONGEST or "\0" in text else text
