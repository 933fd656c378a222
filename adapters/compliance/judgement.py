"""From observations to findings: what carries a safeguard, and since when and until when. Pure.

Within a scope the observations of one kind from one source are a line. A line speaks against the
safeguard from its newest look that found it unmet on, until a later one finds it met; when that one
expires, the older word stands again. So time alone never makes a finding stronger, but for kinds
that lapse: an unmet of theirs ends when it expires.

What people attest is such a line, too. Against a safeguard it counts like any other; for one, only
where nothing that was measured does, and the finding says so. For a CI it carries that CI alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from adapters.compliance.canonical import identity, moment
from adapters.compliance.kinds import KINDS, LAPSES, WORDS
from adapters.compliance.port import (
    WHOLE,
    Exemption,
    Finding,
    Ground,
    Known,
    Observation,
    Safeguard,
    Strength,
)

RANK: Final[Mapping[Strength, int]] = {"none": 0, "partial": 1, "strong": 2}
WORST_FIRST: Final[tuple[Ground, ...]] = ("contradicted", "expired", "nothing")
UNCOUNTED: Final = "Nobody says whether there are scopes that nobody looked at."

Place: TypeAlias = tuple[str, str]
"""A safeguard and a scope."""


@dataclass(frozen=True, slots=True)
class _Line:
    """How one kind from one source stands: as what, and the observation that decides."""

    ground: Ground
    one: Observation

    @property
    def known(self) -> Known:
        return "attested" if self.one.kind in WORDS else "measured"

    @property
    def strength(self) -> Strength:
        return KINDS[self.one.kind].speaks[self.one.safeguard]

    @property
    def order(self) -> tuple[int, datetime, datetime, str]:
        return RANK[self.strength], _until(self.one), self.one.collected_at, identity(self.one)


def judge(
    observations: Iterable[Observation],
    exemptions: Iterable[Exemption],
    *,
    safeguards: Mapping[str, Safeguard],
    at: datetime,
) -> tuple[Finding, ...]:
    """Return of each safeguard a finding for everything, and then one per scope."""
    exempt = standing(exemptions, at)
    seen = _by_place(observations, at)
    scopes: dict[str, set[str]] = defaultdict(set)
    for safeguard, scope in (*seen, *exempt):
        scopes[safeguard].add(scope)
    found: list[Finding] = []
    for safeguard in safeguards:
        parts = [
            _judged((safeguard, scope), seen, exempt, at)
            for scope in sorted(scopes[safeguard] - {WHOLE})
        ]
        own = _judged((safeguard, WHOLE), seen, exempt, at)
        looked_at = [one for part in parts for one in _looked_at(part, seen, exempt, at)]
        if looked_at:
            # Beside CIs that were looked at nobody's word for everything carries anything.
            own = _judged((safeguard, WHOLE), seen, exempt, at, words=False)
        found += [_whole(own, looked_at), *parts]
    return tuple(found)


def standing(exemptions: Iterable[Exemption], at: datetime) -> dict[Place, Exemption]:
    """Return what does not apply at a time: the newest word of each place, while it lasts."""
    newest: dict[Place, Exemption] = {}
    for one in sorted(exemptions, key=_age):
        if one.said_at <= at:
            newest[one.safeguard, one.scope] = one
    return {place: one for place, one in newest.items() if at < one.until}


def _age(one: Exemption) -> tuple[datetime, float, str, str]:
    # Of two words of one moment the one that ends sooner counts.
    return one.said_at, -one.until.timestamp(), one.said_by, one.reason


def _by_place(observations: Iterable[Observation], at: datetime) -> dict[Place, list[Observation]]:
    found: dict[Place, list[Observation]] = defaultdict(list)
    for one in observations:
        kind = KINDS.get(one.kind)
        if kind is not None and one.safeguard in kind.speaks and one.collected_at <= at:
            found[one.safeguard, one.scope].append(one)
    return found


def _judged(
    place: Place,
    seen: Mapping[Place, Sequence[Observation]],
    exempt: Mapping[Place, Exemption],
    at: datetime,
    *,
    words: bool = True,
) -> Finding:
    said = exempt.get(place) or exempt.get((place[0], WHOLE))
    if said is not None:
        because = f"Does not apply until {_shown(said.until)}, says {said.said_by}: {said.reason}"
        return Finding(*place, "none", "exempt", None, None, (because,), ())
    lines = [
        one
        for one in _lines(seen.get(place, ()), at)
        if words or one.known == "measured" or one.ground == "contradicted"
    ]
    against = [one for one in lines if one.ground == "contradicted"]
    carrying = [one for one in lines if one.ground == "evidence"]
    if against:
        return _unsupported(place, "contradicted", against)
    if carrying:
        measured = [one for one in carrying if one.known == "measured"]
        best = max(measured or carrying, key=lambda line: line.order)
        return Finding(
            *place, best.strength, "evidence", best.one.collected_at, _until(best.one),
            _sentences(carrying), _ids(carrying), best.known,
        )  # fmt: skip
    return _unsupported(place, "expired" if lines else "nothing", lines)


def _looked_at(
    part: Finding,
    seen: Mapping[Place, Sequence[Observation]],
    exempt: Mapping[Place, Exemption],
    at: datetime,
) -> Iterator[Finding]:
    """Yield how a CI stands for everything: without what people say for it, if there is more."""
    place = part.safeguard, part.scope
    if any(one.kind in WORDS for one in seen.get(place, ())):
        part = _judged(place, seen, exempt, at, words=False)
    if part.ground not in {"exempt", "nothing"}:
        yield part


def _unsupported(place: Place, ground: Ground, lines: Sequence[_Line]) -> Finding:
    because = _sentences(lines) or ("Nothing that is looked at here speaks for it.",)
    known = _known(one.known for one in lines) if ground == "contradicted" else "none"
    return Finding(*place, "none", ground, None, None, because, _ids(lines), known)


def _known(ways: Iterable[Known]) -> Known:
    """Return in which way something is known to be amiss: a look goes before a word."""
    return "measured" if "measured" in ways else "attested"


def _lines(observations: Sequence[Observation], at: datetime) -> list[_Line]:
    by_line: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for one in observations:
        by_line[one.kind, one.source].append(one)
    return [_line(by_line[name], at) for name in sorted(by_line)]


def _line(looks: Sequence[Observation], at: datetime) -> _Line:
    stand = [one for one in looks if not _lapsed(one, at)]
    newest = {
        outcome: max((one for one in stand if one.outcome == outcome), key=_newest, default=None)
        for outcome in ("met", "unmet")
    }
    met, unmet = newest["met"], newest["unmet"]
    later = met is not None and (unmet is None or met.collected_at > unmet.collected_at)
    if met is not None and later and at < _until(met):
        return _Line("evidence", met)
    if unmet is not None:
        return _Line("contradicted", unmet)
    return _Line("expired", max(looks, key=_newest))


def _lapsed(one: Observation, at: datetime) -> bool:
    return one.outcome == "unmet" and one.kind in LAPSES and _until(one) <= at


def _newest(one: Observation) -> tuple[datetime, str]:
    return one.collected_at, identity(one)


def _until(one: Observation) -> datetime:
    """Return when it stops to count: as it says itself, and never later than its kind allows."""
    return min(one.expires_at, one.collected_at + KINDS[one.kind].lasts)


def _sentences(lines: Iterable[_Line]) -> tuple[str, ...]:
    return tuple(f"{line.one.said} ({_shown(line.one.collected_at)})" for line in lines)


def _shown(at: datetime) -> str:
    return f"{moment(at)[:16]}Z"


def _ids(lines: Iterable[_Line]) -> tuple[str, ...]:
    return tuple(sorted(identity(line.one) for line in lines))


def _whole(own: Finding, parts: Sequence[Finding]) -> Finding:
    """Return the finding for everything: as weak as the weakest part, and strong only by itself.

    Neither it nor a part is carried by a word here.
    """
    if own.ground == "exempt" or not parts:
        return own
    all_ = parts if own.ground == "nothing" else [own, *parts]
    grounds = Counter(one.ground for one in all_)
    counts = tuple(f"{grounds[name]} of {len(all_)}: {name}." for name in sorted(grounds))
    because = (*own.because, *counts) if own in all_ else counts
    worst = next((name for name in WORST_FIRST if grounds[name]), None)
    if worst is not None:
        ways = [one.known for one in all_ if one.ground == worst]
        known = _known(ways) if worst == "contradicted" else "none"
        return Finding(
            own.safeguard, WHOLE, "none", worst, None, None, because, own.observations, known
        )
    return Finding(
        own.safeguard, WHOLE, "partial", "evidence",
        min(one.collected_at for one in all_ if one.collected_at),
        min(one.expires_at for one in all_ if one.expires_at),
        (*because, UNCOUNTED), own.observations, "measured",
    )  # fmt: skip
