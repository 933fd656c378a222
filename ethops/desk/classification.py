"""Which events are incidents, and which cause they belong to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from adapters.text import one_line

LONGEST = 200

Meaning: TypeAlias = Literal["incident", "recovery", "information"]

INFORMATION = frozenset({"none", "info", "information", "ok"})
WATCHDOGS = frozenset({"Watchdog", "DeadMansSwitch"})
GROUPING = ("cluster", "site", "namespace", "service", "job")


@dataclass(frozen=True, slots=True)
class Classified:
    """What an event means, and why."""

    meaning: Meaning
    reason: str


def classify(labels: Mapping[str, str], *, firing: bool) -> Classified:
    """Say what an alert means before it may become an incident (ITIL event management)."""
    name = labels.get("alertname", "")
    if name in WATCHDOGS:
        return Classified("information", f"{name} only says that monitoring lives")
    if not firing:
        return Classified("recovery", "the alert has ended")
    severity = labels.get("severity", "").lower()
    if severity in INFORMATION:
        return Classified("information", f"severity {severity} asks nobody to act")
    return Classified("incident", f"severity {severity or 'not given'} asks for action")


def cause_key(labels: Mapping[str, str], ci_ref: str | None) -> str:
    """Return the key under which repeats fold: the CI and alert, or the alert and its group."""
    name = labels.get("alertname", "")[:80]
    if ci_ref:
        return one_line(f"ci:{ci_ref}:{name}", LONGEST)
    group = ",".join(f"{label}={labels[label]}" for label in GROUPING if labels.get(label))
    return one_line(f"alert:{name}:{group}", LONGEST)
