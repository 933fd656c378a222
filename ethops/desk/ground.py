"""What stands on what around some alerts, as the graph says it: asked as it is needed, and once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from adapters import registry
from adapters.errors import AdapterError
from ethops.desk.models import Event
from ethops.desk.seen import Seen
from ethops.desk.topology import Topology, host_named

AT_ONCE: Final = 200
"""Places that one question names: an answer is cut where it finds very many."""

Labelled: TypeAlias = tuple[Mapping[str, str], str]
"""The labels of an alert, and the CI that it was joined to, "" for none."""


def of_seen(seen: Seen) -> Labelled:
    """Return where an alert that is being decided may be found."""
    return seen.alert.labels, seen.ci_ref


def of_event(event: Event) -> Labelled:
    """Return where an alert that was decided may be found."""
    return event.labels, event.ci_ref


def carried_by(refs: Iterable[str]) -> frozenset[str]:
    """Return these CIs and what stands on any of them; where the graph is away, these alone."""
    found: set[str] = set()
    for ref in refs:
        found.add(ref)
        try:
            found.update(one.ref for one in registry.reader("graph").blast_radius(ref).places)
        except AdapterError:
            continue
    return frozenset(found)


class Ground:
    """The ground of one delivery or one look: what was asked once is not asked again."""

    def __init__(self, expected: Sequence[Labelled] = ()) -> None:
        """`expected` are asked about with the first that somebody asks about."""
        self._expected: Sequence[Labelled] = expected
        self._hosts: dict[str, str] = {}
        self._named: set[str] = set()
        self._asked: set[str] = set()
        self._on: dict[str, frozenset[str]] = {}
        self._known = Topology({}, {}, {})

    def around(self, alerts: Iterable[Labelled]) -> Topology:
        """Return all that these alerts stand on, and who else stands directly on any of it."""
        told = [*alerts, *self._expected]
        self._expected = ()
        self._look_up({host_named(labels) for labels, ref in told if not ref} - {""})
        places = {self._known.place_of(labels, ref) for labels, ref in told} - self._asked - {""}
        for begin in range(0, len(places), AT_ONCE):
            self._ask(sorted(places)[begin : begin + AT_ONCE])
        return self._known

    def pictured(self, alerts: Iterable[Labelled]) -> Topology:
        """Return the same with the CIs that may be roots, by which a person knows them."""
        told = list(alerts)
        known = self.around(told)
        places = {known.place_of(labels, ref) for labels, ref in told}
        refs = {one for place in places for one in known.with_above(place)}
        cis = registry.reader("cmdb").by_refs(sorted(refs))
        return replace(known, cis={ci.ref: ci for ci in cis})

    def _look_up(self, names: set[str]) -> None:
        unknown = sorted(names - self._named)
        if unknown:
            self._hosts |= registry.reader("cmdb").hosts_named(unknown)
            self._named |= names
            self._known = replace(self._known, hosts=dict(self._hosts))

    def _ask(self, places: Sequence[str]) -> None:
        try:
            found = registry.reader("graph").foundation(places)
        except AdapterError:
            # No alert waits for a graph that is away: what shares nothing known is still counted.
            on, sure = {}, False
        else:
            on, sure = dict(found.on), found.trust.complete and not found.trust.stale
        for place, supports in on.items():
            self._on[place] = self._on.get(place, frozenset()) | supports
        self._asked.update(places)
        self._known = replace(self._known, on=dict(self._on), sure=self._known.sure and sure)
