"""Results of XCCDF, alone or within an ARF, read without a tree and without trust. Pure.

Whoever has root on the scanned host may have written them: no document type, no entity, bounds on
size, depth and number; text is compared, and never kept.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from xml.parsers import expat

from adapters.compliance.errors import ResultsError

LARGEST: Final = 64 * 1024 * 1024
DEEPEST: Final = 100
MOST_RULES: Final = 50_000
MOST_RUNS: Final = 16
MOST_IDENTS: Final = 100
"""Of one rule; those beyond say nothing."""
LONGEST: Final = 300
"""Of an id, a time or an ident; what is longer is none."""
SPACES: Final = ("http://checklists.nist.gov/xccdf/1.2", "http://checklists.nist.gov/xccdf/1.1")
KEPT: Final = {"result", "ident"}
"""Elements whose text is read."""


@dataclass
class Run:
    """One run of a scanner: when it ended, what it tried, and the result of each rule."""

    id: str
    at: datetime
    benchmark: str = ""
    profile: str = ""
    results: dict[str, str] = field(default_factory=dict)


@dataclass
class Read:
    """The last run in a file, and what its content says of its rules."""

    run: Run
    idents: Mapping[str, frozenset[str]]


def read(raw: bytes, system: str) -> Read:
    """Return the newest run of a file, and the idents of one system that its rules have.

    Raises:
        ResultsError: it is no such file, too large, or hostile.
    """
    if len(raw) > LARGEST:
        raise ResultsError(f"It has {len(raw)} bytes; at most {LARGEST} are read.")
    walk = _Walk(system)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = walk.starts, walk.ends
    parser.CharacterDataHandler = walk.says
    # No scanner writes either; whoever does wants files of ours read, or our memory filled.
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(raw, True)  # noqa: FBT003 - its own signature
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ResultsError(f"It is no XML: {error}.") from error
    if not walk.runs:
        raise ResultsError("It holds no results of a run: no TestResult of XCCDF.")
    newest = max(walk.runs, key=lambda run: (run.at, run.id))
    return Read(newest, {rule: frozenset(said) for rule, said in walk.idents.items()})


def _refuse(*_given: object) -> None:
    raise ResultsError("It declares a document type, or entities, which no scanner's file does.")


class _Walk:
    """Where the parser is: in which rule, which run, which result."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.runs: list[Run] = []
        self.idents: dict[str, set[str]] = defaultdict(set)
        self._path: list[str] = []
        self._rule = ""
        self._words: list[str] = []
        self._system = ""

    def starts(self, tag: str, given: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        name = name if space in SPACES else ""
        self._path.append(name)
        if len(self._path) > DEEPEST:
            raise ResultsError(f"Its elements are nested more than {DEEPEST} deep.")
        self._words = []
        if name == "TestResult":
            self._begin(given)
        elif name in {"Rule", "rule-result"}:
            self._rule = _short(given.get("id" if name == "Rule" else "idref", ""))
        elif name in {"benchmark", "profile"} and self._within("TestResult"):
            part = "id" if name == "benchmark" else "idref"
            setattr(self.runs[-1], name, _short(given.get(part, "")))
        elif name == "ident":
            self._system = given.get("system", "")

    def ends(self, _tag: str) -> None:
        name = self._path.pop()
        words = _short("".join(self._words).strip())
        if name == "ident" and self._system == self.system and self._rule:
            self._keep(self.idents)
            if len(self.idents[self._rule]) < MOST_IDENTS:
                self.idents[self._rule].add(words)
        elif name == "result" and self._within("rule-result") and self.runs and self._rule:
            self._keep(self.runs[-1].results)
            self.runs[-1].results[self._rule] = words
        elif name in {"Rule", "rule-result"}:
            self._rule = ""
        self._words = []

    def says(self, text: str) -> None:
        if self._path and self._path[-1] in KEPT and len(self._words) < LONGEST:
            self._words.append(text[:LONGEST])

    def _within(self, name: str) -> bool:
        parents = self._path[-2:] if self._path else []
        return name in parents

    def _keep(self, kept: Mapping[str, object]) -> None:
        if len(kept) >= MOST_RULES and self._rule not in kept:
            raise ResultsError(f"It has more than {MOST_RULES} rules.")

    def _begin(self, given: Mapping[str, str]) -> None:
        if len(self.runs) >= MOST_RUNS:
            raise ResultsError(f"It holds more than {MOST_RUNS} runs.")
        said = given.get("end-time") or given.get("start-time") or ""
        self.runs.append(Run(_short(given.get("id", "")), _time(said)))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else ""


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ResultsError(f"A run has no time: {text[:40]!r}.") from error
    # An old scanner writes none; a zone ahead of ours is taken back to our time when it is kept.
    return at if at.tzinfo else at.replace(tzinfo=UTC)
