"""A cluster of seven nodes that breaks by plan, and knows the truth about itself.

What is planted and what is done about it stand side by side: whether a change was needed, whether
somebody who was woken had something to do.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

NODES: Final = 7
HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
APART: Final = 2 * HOUR
"""Nothing is planted on one CI so soon after another thing there."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: how it looks, what mends it, and whether a person has to."""

    symptom: str
    cure: str = ""
    needs_person: bool = False
    heals_after_s: float | None = None


KINDS: Final[dict[str, Kind]] = {
    "hangs": Kind("no_answer", cure="restart_service"),
    "stopped": Kind("refused", cure="restart_service"),
    "full": Kind("over_threshold", cure="clean_directory"),
    "leaks": Kind("no_answer", cure="restart_service"),
    "broken": Kind("refused", needs_person=True),
    "slow": Kind("slow", needs_person=True),
    "lifeline": Kind("refused", needs_person=True),
    "passes": Kind("refused", cure="restart_service", heals_after_s=75.0),
}
"""`leaks` comes again until a person takes its cause away; `passes` heals whatever is done."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One thing that happens at a second of the month."""

    at: float
    what: str
    ci: str


@dataclass(frozen=True, slots=True)
class Act:
    """One change that was made, and how its CI truly was then."""

    at: float
    entry: str
    ci: str
    ticket: str
    kind: str
    """The fault that it had, "" where it was well."""
    cured: bool


@dataclass
class Cluster:
    """What is truly so."""

    dice: random.Random
    ill: dict[str, tuple[str, float]] = field(default_factory=dict)
    """CI -> kind of its fault, and since when."""
    leaking: set[str] = field(default_factory=set)
    acts: list[Act] = field(default_factory=list)
    history: list[tuple[float, str, str]] = field(default_factory=list)
    """(second, CI, kind) of every fault."""

    def fall_ill(self, now: float, ci: str, kind: str) -> bool:
        """Let a CI have a fault, if it has none."""
        if ci in self.ill or (kind == "leaks" and ci not in self.leaking):
            return False
        self.ill[ci] = (kind, now)
        self.history.append((now, ci, kind))
        return True

    def pass_by(self, now: float) -> None:
        """Let heal what heals by itself."""
        for ci, (kind, since) in [*self.ill.items()]:
            after = KINDS[kind].heals_after_s
            if after is not None and now - since >= after:
                del self.ill[ci]

    def act(self, now: float, entry: str, ci: str, ticket: str) -> bool:
        """Do what an entry does; True where it cured the CI."""
        kind = self.ill[ci][0] if ci in self.ill else ""
        cured = bool(kind) and KINDS[kind].cure == entry
        if cured:
            del self.ill[ci]
        if entry != "collect_diagnostics":
            self.acts.append(Act(now, entry, ci, ticket, kind, cured))
        return cured

    def mended_by_a_person(self, ci: str) -> None:
        """A person mends it, cause and all."""
        self.ill.pop(ci, None)

    def symptom(self, ci: str) -> str:
        """Return what a probe sees now."""
        return KINDS[self.ill[ci][0]].symptom if ci in self.ill else "ok"

    def fault_near(self, ci: str, now: float) -> str:
        """Return the kind of fault that a CI had last, within an hour."""
        found = [kind for at, of, kind in self.history if of == ci and now - HOUR <= at <= now]
        return found[-1] if found else ""


def services() -> list[tuple[str, str, str]]:
    """Return (ref, class, node) of what restarts."""
    return [
        (f"{name}-{n:02}", ci_class, f"node-{n:02}")
        for n in range(1, NODES + 1)
        for name, ci_class in (("web", "web_service"), ("cache", "cache"))
    ]


def directories() -> list[tuple[str, str, str]]:
    """Return (ref, class, node) of what fills up."""
    return [(f"spool-{n:02}", "directory", f"node-{n:02}") for n in range(1, NODES + 1)]


def plan(days: int, dice: random.Random) -> list[Planted]:
    """Return what happens, by time: faults of which some recur, and noise that needs nobody."""
    free: dict[str, list[float]] = {}
    found: list[Planted] = []

    def plant(what: str, ci: str, at: float) -> None:
        if all(abs(at - other) >= APART for other in free.setdefault(ci, [])):
            free[ci].append(at)
            found.append(Planted(at, what, ci))

    restart = [ref for ref, *_ in services()]
    full = [ref for ref, *_ in directories()]
    for leak in _leaks(days):
        plant(leak.what, leak.ci, leak.at)
    share = days / 30
    for what, count, cis in (
        ("hangs", 14, restart), ("stopped", 12, restart), ("full", 10, full),
        ("passes", 8, restart), ("broken", 4, restart), ("slow", 2, restart),
        ("lifeline", 2, ["db-01"]), ("blip", 30, restart + full), ("info", 20, restart),
        ("stranger", 2, ["lab-99"]), ("false alarm", 2, restart),
    ):  # fmt: skip
        for _ in range(max(1, round(count * share))):
            plant(what, dice.choice(cis), dice.uniform(0.02, 0.98) * days * DAY)
    return sorted(found, key=lambda one: one.at)


def _leaks(days: int) -> Iterator[Planted]:
    """Two services that leak, one after the other, again and again."""
    for ci, first, every in (("web-03", 0.1, 20 * HOUR), ("cache-05", 0.5, 26 * HOUR)):
        at = first * days * DAY
        while at < 0.97 * days * DAY:
            yield Planted(at, "leaks", ci)
            at += every
