"""YAML made into plain JSON values with the line of each, and nothing cleverer than that."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import yaml

from adapters.json_value import JSON

Loc: TypeAlias = tuple[str | int, ...]

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000
"""Counted with each alias expanded, which is what an alias bomb makes large."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may hold."""

    bytes: int = MAX_BYTES
    nodes: int = MAX_NODES


USUAL: Final = Limits()

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?(?:[eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, JSON] = {"": None, "~": None, "null": None, "true": True, "false": False}
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


class RefusalError(Exception):
    """A file that is not plain, small YAML; says where and how to mend it."""

    def __init__(self, line: int, what: str, mend: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.what, self.mend = line, what, mend


def load(path: Path, limits: Limits = USUAL) -> tuple[JSON, dict[Loc, int]]:
    """Return a file's value and the line (from 1) of each place in it.

    Raises:
        RefusalError: unreadable, too large, too deep, a duplicate key, a tag, or not YAML.
    """
    return parse(_text(path, limits.bytes), limits)


def parse(text: str, limits: Limits = USUAL) -> tuple[JSON, dict[Loc, int]]:
    """Return a text's value, and the line (from 1) of each place in it.

    Raises:
        RefusalError: too deep, a duplicate key, a tag, or not YAML.
    """
    try:
        _check_depth(text)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise RefusalError(line, f"Not YAML: {error.problem}.", "Correct the syntax.") from error
    except yaml.YAMLError as error:
        raise RefusalError(1, "Not YAML: a character is not allowed.", "Remove it.") from error
    tree = _Tree(limits.nodes)
    return (tree.value(root, ()) if root else None), tree.lines


def _text(path: Path, most: int) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        why = error.strerror or "not readable"
        raise RefusalError(1, f"Cannot be read: {why}.", "Put a readable file there.") from error
    if len(raw) > most:
        raise RefusalError(1, f"Larger than {most} bytes.", "Split or shorten the file.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RefusalError(line, "Not UTF-8 text.", "Save the file as UTF-8.") from error


def _check_depth(text: str) -> None:
    """Refuse depth before composing, which would recurse."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            mark = event.start_mark
            raise _too_deep(mark.line + 1 if mark else 1)


def _too_deep(line: int) -> RefusalError:
    return RefusalError(line, f"Nested deeper than {MAX_DEPTH} levels.", "Make it flatter.")


class _Tree:
    """Turns nodes into values, noting lines and counting what aliases expand to."""

    def __init__(self, most: int) -> None:
        self.lines: dict[Loc, int] = {}
        self._nodes, self._most = 0, most

    def value(self, node: yaml.Node, loc: Loc) -> JSON:
        line = node.start_mark.line + 1
        self.lines.setdefault(loc, line)
        self._nodes += 1
        if self._nodes > self._most:
            raise RefusalError(line, f"More than {self._most} values.", "Use fewer aliases.")
        if len(loc) > MAX_DEPTH:
            raise _too_deep(line)
        if node.tag not in _PLAIN_TAGS:
            raise RefusalError(
                line, f"The tag {node.tag} is not allowed.", "Write the plain value."
            )
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(item, (*loc, key)) for key, item in self._items(node, loc)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*loc, index)) for index, item in enumerate(node.value)]
        quoted = isinstance(node, yaml.ScalarNode) and node.style
        text = str(node.value)
        return text if quoted else _scalar(text)

    def _items(self, node: yaml.MappingNode, loc: Loc) -> Iterator[tuple[str, yaml.Node]]:
        seen: set[str] = set()
        for key_node, item in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _PLAIN_TAGS:
                raise RefusalError(line, "A key is not plain text.", "Write a word as the key.")
            key = str(key_node.value)
            if key in seen:
                raise RefusalError(
                    line, f"The key `{key}` stands here twice.", "Remove one of them."
                )
            seen.add(key)
            self.lines[(*loc, key)] = line
            yield key, item


def _scalar(text: str) -> JSON:
    """Resolve an unquoted scalar as JSON would: `no`, dates and octals stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
