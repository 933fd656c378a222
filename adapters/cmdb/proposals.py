"""What discovery proposes: sightings folded into proposals, each thing once, and bounded. Pure.

What was seen is foreign text: a name that has not the shape of one is no proposal, and a source
that says more than anybody would read is cut short. Nothing here makes a CI; a person does.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from adapters.cmdb.precedence import ATTRIBUTE, EXISTS, MEASURED
from adapters.json_value import JSON
from adapters.text import one_line

Kind: TypeAlias = Literal["host", "service", "attribute"]
State: TypeAlias = Literal["proposed", "accepted", "declined", "withdrawn"]
Stimulus: TypeAlias = Literal["seen", "seen otherwise", "accept", "decline", "gone"]

STATES: Final[tuple[State, ...]] = ("proposed", "accepted", "declined", "withdrawn")
MOVES: Final[Mapping[State, Mapping[Stimulus, State]]] = {
    "proposed": {
        "seen": "proposed", "seen otherwise": "proposed", "gone": "withdrawn",
        "accept": "accepted", "decline": "declined",
    },
    # It is seen and is no CI: whoever accepted it has taken it back.
    "accepted": {"seen": "proposed", "seen otherwise": "proposed"},
    "declined": {"seen": "declined", "seen otherwise": "proposed"},
    "withdrawn": {"seen": "proposed", "seen otherwise": "proposed"},
}  # fmt: skip
"""State -> what happens -> state; what is not named is refused, or changes nothing."""

GONE_AFTER: Final = timedelta(days=30)
"""Not seen for so long, it is withdrawn: what a query tells only when it changes is told once."""
MOST_OF_SOURCE: Final = 25
"""Proposals of one source that wait at a time; what it says beyond that is one notice."""
MOST: Final = 500
MOST_SOURCES: Final = 8
"""Of which a proposal keeps what they saw: the newest."""
LONGEST_SAID: Final = 200

NAMES: Final[Mapping[Kind, re.Pattern[str]]] = {
    "host": re.compile(r"(?=.{1,120}\Z)[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
                       r"(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*"),
    "service": re.compile(r"[A-Za-z0-9][A-Za-z0-9@:+._/-]{0,99}"),
    "attribute": re.compile("|".join(MEASURED)),
}  # fmt: skip
NOBODY: Final = re.compile(r"localhost(?:\..*)?|127\.\d+\.\d+\.\d+|0\.0\.0\.0")
"""Names under which every host means itself."""
VALUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 @:+._/,-]{0,199}")
"""Playbooks may get it as an argument once a person accepts it: nothing a shell would act on."""
REF: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is no CI, or an attribute that a CI has otherwise; `about` is a CI's ref."""

    kind: Kind
    name: str
    ci_class: str = ""
    about: str = ""
    attributes: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is called whoever sees it."""
        return ":".join(part for part in (self.kind, self.about, self.name) if part)

    @property
    def words(self) -> dict[str, JSON]:
        """What accepting it says, field by field; impact, host and lifeline are never among it."""
        said: dict[str, JSON] = {f"{ATTRIBUTE}{n}": v for n, v in self.attributes.items()}
        if self.kind == "attribute":
            return said
        said |= {EXISTS: True, "name": self.name, "ci_class": self.ci_class, "managed_by": "desk"}
        return said

    @property
    def is_fit(self) -> bool:
        """Tell whether its name, its place and its values have the shape of such."""
        if not NAMES[self.kind].fullmatch(self.name) or NOBODY.fullmatch(self.name):
            return False
        if (self.kind == "host") != (not self.about) or len(self.key) > 200:
            return False
        return all(_is_fit(value) for value in self.attributes.values())

    def ref(self, taken: Iterable[str] = ()) -> str:
        """Return the ref of the CI that it is about, or would be."""
        if self.kind == "attribute":
            return self.about
        base = self.name.removesuffix(".service")
        # Two hosts may have a service of one name.
        full = f"{self.about}-{base}" if self.about else base
        plain = re.sub(r"[^a-z0-9._-]+", "-", full.lower()).strip("._-")
        if REF.fullmatch(plain) and plain not in taken:
            return plain
        digest = hashlib.sha256(self.key.encode()).hexdigest()[:8]
        return f"{plain[:50].rstrip('._-')}-{digest}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """That one source saw a thing once."""

    source: str
    thing: Thing
    at: datetime
    said: str
    """What was seen, in a line."""


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """What one source has seen of a thing: since when, until when, how often, and what last."""

    source: str
    first: datetime
    last: datetime
    times: int
    said: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as it is kept."""

    thing: Thing
    ref: str
    state: State
    source: str
    """Whose share of proposals it counts to: the first who saw it and had room."""
    words: Mapping[str, JSON]
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """What sightings come to: proposals to keep, and how much of which source was left out."""

    proposals: tuple[Proposal, ...]
    left_out: Mapping[str, int]
    """Things beyond a source's own share."""
    crowded: Mapping[str, int]
    """Things of sources that have room, left out because enough waits of all together."""
    unfit: Mapping[str, int]
    """Things whose names or values are none."""


def moved(state: State, stimulus: Stimulus) -> State:
    """Return the state after something happened; what the table does not name changes nothing."""
    return MOVES[state].get(stimulus, state)


def fold(
    sightings: Iterable[Sighting], before: Mapping[str, Proposal], taken: Iterable[str] = ()
) -> Folded:
    """Return what sightings come to, in whatever order and however often they are told.

    `before` has the proposals by key, `taken` the refs of CIs that there are.
    """
    by_key: dict[str, list[Sighting]] = {}
    unfit: Counter[str] = Counter()
    for one in set_of(sightings):
        if one.thing.is_fit:
            by_key.setdefault(one.thing.key, []).append(one)
        else:
            unfit[one.source] += 1
    waiting = Counter(one.source for one in before.values() if one.state == "proposed")
    refs, left, crowded = frozenset(taken), Counter[str](), Counter[str]()
    kept: list[Proposal] = []
    # Those that wait keep their places, whatever else is seen.
    for key in sorted(by_key, key=lambda key: (not _waits(before.get(key)), key)):
        known, said = before.get(key), by_key[key]
        thing = max(said, key=_newest).thing
        stimulus: Stimulus = "seen" if known and known.words == thing.words else "seen otherwise"
        state = moved(known.state, stimulus) if known else "proposed"
        source = known.source if known else ""
        if state == "proposed" and not _waits(known):
            # The oldest first, as sightings are told.
            sources = list(dict.fromkeys(one.source for one in said))
            source = _place(sources, waiting)
            if not source:
                left[sources[0]] += 1
                continue
            if waiting.total() >= MOST:
                crowded[source] += 1
                continue
            waiting[source] += 1
        seen = _evidence(known, said)
        kept.append(Proposal(thing, thing.ref(refs), state, source, thing.words, seen))
    return Folded(tuple(kept), dict(left), dict(crowded), dict(unfit))


def set_of(sightings: Iterable[Sighting]) -> Iterator[Sighting]:
    """Yield each sighting once, the oldest first."""
    told: set[tuple[str, str, datetime]] = set()
    for one in sorted(sightings, key=_newest):
        name = (one.source, one.thing.key, one.at)
        if name not in told:
            told.add(name)
            yield one


def _newest(one: Sighting) -> tuple[datetime, str, str, str]:
    return one.at, one.source, repr(sorted(one.thing.words.items())), one.said


def _waits(known: Proposal | None) -> bool:
    return known is not None and known.state == "proposed"


def _place(sources: Iterable[str], waiting: Counter[str]) -> str:
    """Return the first source that has room, to whose share it counts; empty where none has."""
    return next((one for one in sources if waiting[one] < MOST_OF_SOURCE), "")


def _evidence(known: Proposal | None, said: Iterable[Sighting]) -> tuple[Seen, ...]:
    """Return what each source has seen by now; what is told again counts once."""
    found = {one.source: one for one in (known.seen if known else ())}
    until = {name: one.last for name, one in found.items()}
    for one in sorted(said, key=_newest):
        was = found.get(one.source)
        text = one_line(one.said, LONGEST_SAID)
        if was is None:
            found[one.source] = Seen(one.source, one.at, one.at, 1, text)
        elif one.source not in until or one.at > until[one.source]:
            found[one.source] = Seen(one.source, was.first, one.at, was.times + 1, text)
    newest = sorted(found.values(), key=lambda one: (one.last, one.source))[-MOST_SOURCES:]
    return tuple(sorted(newest))


def _is_fit(value: JSON) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= 8 and all(isinstance(one, str) and _is_fit(one) for one in value)
    if isinstance(value, str):
        return bool(VALUE.fullmatch(value))
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
