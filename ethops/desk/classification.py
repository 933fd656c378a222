"""What an event means before anybody is called, and which cause it belongs to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from adapters.text import one_line

LONGEST = 200

Meaning: TypeAlias = Literal["informational", "warning", "exception", "recovery"]

INFORMATION: Final = frozenset({"none", "info", "information", "informational", "ok", "debug"})
WARNINGS: Final = frozenset({"warning", "warn", "minor", "notice"})
WATCHDOGS: Final = frozenset({"Watchdog", "DeadMansSwitch"})
GROUPING: Final = ("cluster", "site", "namespace", "service", "job")


@dataclass(frozen=True, slots=True)
class Classified:
    """What an event means, and why."""

    meaning: Meaning
    reason: str


def classify(labels: Mapping[str, str], *, firing: bool) -> Classified:
    """Say what an alert means before it may become an incident (ITIL event management).

    A severity that nobody knows is an exception: silence is the dearer mistake.
    """
    name = labels.get("alertname", "")
    if name in WATCHDOGS:
        return Classified("informational", f"{name} only says that monitoring lives")
    if not firing:
        return Classified("recovery", "the alert has ended")
    severity = labels.get("severity", "").strip().lower()
    if severity in INFORMATION:
        return Classified("informational", f"severity {severity} asks nobody to act")
    if severity in WARNINGS:
        return Classified("warning", f"severity {severity} asks for action in time")
    return Classified("exception", f"severity {severity or 'not given'} asks for action")


def cause_key(labels: Mapping[str, str], ci_ref: str | None) -> str:
    """Return the key under which repeats fold: the CI and alert, or the alert and its group."""
    name = labels.get("alertname", "")[:80]
    if ci_ref:
        return one_line(f"ci:{ci_ref}:{name}", LONGEST)
    group = ",".join(f"{label}={labels[label]}" for label in GROUPING if labels.get(label))
    return one_line(f"alert:{name}:{group}", LONGEST)
