"""A data model of iTop's, read from its XML as from a stranger: bounded, without entities."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.parsers import expat

from adapters.tickets.itop.errors import ItopModelError

LARGEST: Final = 32 * 1024 * 1024
DEEPEST: Final = 60
MOST: Final = 2_000_000
"""Elements; a whole iTop with all its modules has some hundred thousand."""
_COMPUTED: Final = (
    *("ExternalField", "LinkedSet", "LinkedSetIndirect", "CaseLog", "StopWatch", "SubItem"),
    *("FriendlyName", "FinalClass", "MetaEnum", "Dashboard", "ObsolescenceFlag"),
)
_KEYS: Final = ("ExternalKey", "HierarchicalKey")
_DELETES: Final = ("delete", "delete_if_exists")
_DEFINES: Final = ("define", "redefine", "define_if_not_exists", "force")
"""What stands in such an element is all of it; elsewhere it is what is changed."""


@dataclass(slots=True)
class Node:
    """One element: its name, id and type, what is in it."""

    tag: str
    id: str = ""
    kind: str = ""
    delta: str = ""
    """How a file of changes changes it."""
    words: list[str] = field(default_factory=list)
    inside: "list[Node]" = field(default_factory=list)

    def first(self, *path: str) -> "Node | None":
        """Return the first element at the end of a path."""
        here: Node | None = self
        for tag in path:
            here = next((one for one in here.inside if one.tag == tag), None) if here else None
        return here

    def each(self, *path: str) -> "Iterator[Node]":
        """Yield the elements at the end of a path, whose last name is theirs."""
        above = self.first(*path[:-1])
        if above is not None:
            yield from (one for one in above.inside if one.tag == path[-1])

    def said(self, *path: str) -> str:
        """Return the text at the end of a path."""
        found = self.first(*path)
        return "".join(found.words).strip() if found else ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a class."""

    kind: str
    optional: bool
    default: str

    @property
    def is_key(self) -> bool:
        """Whether it points to another object: iTop's REST takes 0 for one."""
        return self.kind in _KEYS

    @property
    def must_be_given(self) -> bool:
        """Whether an object is not made without somebody giving it."""
        return not self.optional and not self.default and self.kind not in _COMPUTED


@dataclass(frozen=True, slots=True)
class State:
    """A state: what an object must have in it, and where stimuli lead."""

    mandatory: frozenset[str]
    leads: Mapping[str, str]
    """Stimulus -> state."""
    asked: Mapping[str, frozenset[str]]
    """Stimulus -> what the transition itself makes mandatory."""
    gone: frozenset[str] = frozenset()
    """Stimuli that a file of changes takes away."""
    entire: bool = False
    """All of it stands in the file, changes or not."""


@dataclass(slots=True)
class Class:
    """A class as a file defines it, or changes it."""

    parent: str = ""
    attributes: dict[str, Attribute] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """States that a file of changes takes away."""
    abstract: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """The classes of a file; `whole` where it is all of an iTop's, not only what a site changes."""

    classes: Mapping[str, Class]
    whole: bool

    def line(self, name: str) -> Iterator[Class]:
        """Yield a class and those above it, nearest first."""
        seen: set[str] = set()
        while name in self.classes and name not in seen:
            seen.add(name)
            yield self.classes[name]
            name = self.classes[name].parent

    def attributes(self, name: str) -> dict[str, Attribute]:
        """Return the attributes of a class, those of classes above it too."""
        found: dict[str, Attribute] = {}
        for one in self.line(name):
            found = {**one.attributes, **found}
        return found

    def states(self, name: str) -> Mapping[str, State]:
        """Return the life cycle of a class: its own, or the nearest above it."""
        return next((one.states for one in self.line(name) if one.states), {})

    def gone(self, name: str) -> frozenset[str]:
        """Return the states that a class loses by a file of changes."""
        return frozenset(state for one in self.line(name) for state in one.gone)

    def is_a(self, name: str, above: str) -> bool:
        """Tell whether a class stands below another."""
        return above in {name, *(one.parent for one in self.line(name))}


def read(path: Path) -> Model:
    """Read a data-model file.

    Raises:
        ItopModelError: it is none, or it is one that harms whoever reads it.
    """
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise ItopModelError(f"{path} cannot be read: {error.strerror}.") from error
    if size > LARGEST:
        raise ItopModelError(f"{path} is larger than {LARGEST // 1024 // 1024} MiB.")
    return parsed(raw)


def parsed(raw: bytes) -> Model:
    """Read the text of a data model.

    Raises:
        ItopModelError: as `read`.
    """
    root = _tree(raw)
    if root.tag != "itop_design":
        raise ItopModelError(f"Its outermost element is <{root.tag[:40]}>, not <itop_design>.")
    classes: dict[str, Class] = {}
    for node in root.each("classes", "class"):
        _class(node, classes)
    # A file of changes says of the root class at most what it adds.
    ticket = classes.get("Ticket", Class()).attributes
    return Model(classes, whole={"ref", "title", "org_id"} <= set(ticket))


def _class(node: Node, classes: dict[str, Class]) -> None:
    made = classes.setdefault(node.id, Class())
    made.parent = node.said("parent") or made.parent
    made.abstract = made.abstract or node.said("properties", "abstract") == "true"
    for one in node.each("fields", "field"):
        kind = one.kind.removeprefix("Attribute")
        optional = one.said("is_null_allowed") != "false"
        made.attributes[one.id] = Attribute(kind, optional, one.said("default_value"))
    given = {one.id: one for one in node.each("lifecycle", "states", "state")}
    made.states |= {name: _state(one, given) for name, one in given.items()}
    made.gone |= {one.id for one in node.each("lifecycle", "states", "state deleted")}
    # Classes may stand within the class that they are derived from.
    for inner in node.each("classes", "class"):
        inner_parent = inner.said("parent")
        _class(inner, classes)
        classes[inner.id].parent = inner_parent or node.id


def _state(node: Node, given: Mapping[str, Node]) -> State:
    transitions = list(node.each("transitions", "transition"))
    return State(
        _mandatory(node, given, frozenset()),
        {one.said("stimulus") or one.id: one.said("target") for one in transitions},
        {one.said("stimulus") or one.id: _flagged(one, "mandatory") for one in transitions},
        frozenset(one.id for one in node.each("transitions", "transition deleted")),
        entire=node.delta in _DEFINES,
    )


def _mandatory(node: Node, given: Mapping[str, Node], seen: frozenset[str]) -> frozenset[str]:
    if len(seen) > DEEPEST:
        raise ItopModelError("Its states take their flags from each other in too long a chain.")
    above = node.said("inherit_flags_from")
    inherited: frozenset[str] = frozenset()
    if above in given and above not in seen:
        inherited = _mandatory(given[above], given, seen | {above})
    own = frozenset(one.id for one in node.each("flags", "attribute"))
    return (inherited - own) | _flagged(node, "mandatory")


def _flagged(node: Node, flag: str) -> frozenset[str]:
    return frozenset(one.id for one in node.each("flags", "attribute") if one.first(flag))


def _tree(raw: bytes) -> Node:
    top = Node("")
    stack, count = [top], 0

    def starts(tag: str, given: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > DEEPEST or count > MOST:
            raise ItopModelError("It has more elements, or deeper ones, than a data model has.")
        delta = given.get("_delta", "")
        gone = f"{tag} deleted" if delta in _DELETES else tag
        node = Node(gone, given.get("id", ""), given.get("xsi:type", ""), delta)
        stack[-1].inside.append(node)
        stack.append(node)

    def ends(_tag: str) -> None:
        stack.pop()

    def says(text: str) -> None:
        stack[-1].words.append(text)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = starts, ends
    parser.CharacterDataHandler = says
    # iTop writes neither; whoever does wants files of ours read, or our memory filled.
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(raw, True)  # noqa: FBT003 - its own signature
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ItopModelError(f"It is no XML: {error}.") from error
    return top.inside[0]


def _refuse(*_given: object) -> None:
    raise ItopModelError("It declares a document type, or entities, which no data model does.")
