"""Many alerts as one picture: how many, of what, and where the root may be."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from adapters.rows import now as clock
from adapters.text import one_line
from ethops.desk.models import Event
from ethops.desk.roots import Root, Symptom, rank
from ethops.desk.seen import Seen
from ethops.desk.topology import Topology

MOST_BRANCHES: Final = 8
MOST_NAMES: Final = 6
CARRIES: Final = 3
"""A root that explains so many others is what a storm is about."""


@dataclass(frozen=True)
class Picture:
    """The alerts of a storm, and the candidates for its root, likeliest first."""

    roots: tuple[Root, ...]
    alerts: int
    names: Counter[str]
    places: frozenset[str]
    cis: tuple[str, ...]
    began: datetime
    newest: datetime
    sure: bool

    @cached_property
    def root_name(self) -> str:
        """The likeliest root; empty where nothing is known."""
        return _name(self.roots[0].place) if self.roots else ""

    def title(self) -> str:
        """Return what its incident is called."""
        many = f"{self.alerts} alerts at {len(self.places)} places at once"
        if not self.roots:
            return many
        said = f"{self.root_name} ({self.roots[0].layer}) may be the root: {many}"
        return one_line(said, 200)

    def line(self) -> str:
        """Return the one line that somebody reads at night."""
        span = int((self.newest - self.began).total_seconds())
        many = f"{self.alerts} alerts at {len(self.places)} places within {span} s"
        said = [f"{many} since {self.began:%H:%M:%S} UTC."]
        said += [f"Look first at {_said(root)}." for root in self.roots[:1]]
        others = [f"{_name(root.place)} ({root.layer})" for root in self.roots[1:MOST_NAMES]]
        if others:
            more = len(self.roots) - 1 - len(others)
            said.append(f"Then {', '.join(others)}{f' and {more} more' if more > 0 else ''}.")
        if not self.sure:
            said.append("What stands on what is not known for certain just now.")
        return " ".join(said)

    def branches(self) -> list[str]:
        """Return a line for each of the first roots, with what it explains."""
        return [f"- {_said(root)}: {_listed(root.explains)}" for root in self._carrying()]

    def listed(self) -> str:
        """Return which alerts there are, the most frequent first."""
        said = [f"{name} x {times}" for name, times in self.names.most_common(20)]
        return f"{self.line()}\n\n{', '.join(said)}"

    def strays(self, topology: Topology) -> frozenset[str]:
        """Return CIs of which it is known what they stand on, and that none of it alerts."""
        if not any(len(root.explains) >= CARRIES for root in self.roots):
            return frozenset()
        return frozenset(
            root.place
            for root in self.roots
            if not root.explains
            and root.layer not in {"power", "network"}
            and root.place in topology.cis
            and topology.on.get(root.place)
        )

    def _carrying(self) -> list[Root]:
        return [root for root in self.roots if root.explains][:MOST_BRANCHES]


def of(events: Iterable[Event], topology: Topology) -> Picture:
    """Return the picture of alerts."""
    known = list(events)
    symptoms = [
        Symptom(
            topology.place_of(event.labels, event.ci_ref) or event.cause_key,
            str(event.labels.get("alertname", "")),
            event.at,
        )
        for event in known
    ]
    roots = tuple(rank(symptoms, topology))
    order = [root.place for root in roots]
    refs = dict.fromkeys(
        [place for place in order if place in topology.cis]
        + sorted(event.ci_ref for event in known if event.ci_ref)
    )
    times = [one.at for one in symptoms]
    return Picture(
        roots=roots,
        alerts=len(known),
        names=Counter(one.alertname for one in symptoms),
        places=frozenset(one.place for one in symptoms),
        cis=tuple(refs),
        began=min(times, default=clock()),
        newest=max(times, default=clock()),
        sure=topology.sure,
    )


def unsaved(seen: Seen) -> Event:
    """Return an alert that is being decided as the event that it is about to be."""
    return Event(
        labels=dict(seen.alert.labels), ci_ref=seen.ci_ref, cause_key=seen.cause, at=clock()
    )


def _said(root: Root) -> str:
    name = f"{_name(root.place)} ({root.layer})"
    if not root.explains:
        return f"{name}: {root.alertname}"
    count = f"{len(root.explains)} that stand on it"
    if root.alertname:
        return f"{name}: {root.alertname}, and {count} alert"
    return f"{name}, which says nothing itself, while {count} alert"


def _name(place: str) -> str:
    return one_line(place.removeprefix("host:"), 80)


def _listed(places: Iterable[str]) -> str:
    names = sorted(map(_name, places))
    shown = ", ".join(names[:MOST_NAMES])
    return f"{shown} and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else shown
