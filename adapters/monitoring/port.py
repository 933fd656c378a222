"""What ethops needs of monitoring: samples to look at, and a sweep that raises alerts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from adapters.json_value import JSON

ProbeKind: TypeAlias = Literal[
    "http", "tcp", "directory", "filesystem", "load", "prometheus", "change"
]
Severity: TypeAlias = Literal["critical", "warning", "info"]
Symptom: TypeAlias = Literal[
    "ok",
    "refused",
    "no_answer",
    "wrong_status",
    "wrong_content",
    "slow",
    "over_threshold",
    "under_threshold",
    "unreachable",
]
AlertStatus: TypeAlias = Literal["quiet", "firing", "resolved"]
Deliver: TypeAlias = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe as declared on a CI, with where its alert stands."""

    name: str
    ci_ref: str
    kind: ProbeKind
    params: Mapping[str, JSON]
    interval_s: float
    bad_after: int
    good_after: int
    alertname: str
    severity: Severity
    host: str
    alert_status: AlertStatus
    symptom: Symptom | None
    """The symptom of the last sample, None before the first."""
    first_bad_at: datetime | None
    last_sample_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the world; `value` is in `unit`, `detail` is one plain sentence."""

    probe: str
    at: datetime
    ok: bool
    symptom: Symptom
    value: float | None
    unit: str
    detail: str


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What one sweep did: probes run, bad ones among them, bodies delivered."""

    ran: int
    bad: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Point:
    """What a value was at one time."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """What one thing was over a stretch of time, oldest first."""

    labels: Mapping[str, str]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Hour:
    """What a value was in a whole hour: lowest, median and highest of so many points."""

    begin: datetime
    low: float
    middle: float
    high: float
    points: int


@dataclass(frozen=True, slots=True)
class Change:
    """What one series was then and is now; None where it was, or is, not there."""

    labels: Mapping[str, str]
    then: float | None
    now: float | None

    @property
    def by(self) -> float | None:
        """How much it has risen; None where there is nothing to compare."""
        return None if self.then is None or self.now is None else self.now - self.then


class History(Protocol):
    """Tells what was; an adapter to a server that keeps values."""

    def series(self, query: str, *, begin: datetime, end: datetime) -> tuple[Series, ...]:
        """Return what a query found from begin to end, within bounds on series and points.

        Raises:
            RangeError: the server does not answer, refuses, or finds more than the bounds allow.
        """
        ...


class Reader(Protocol):
    """Reads; safe in the hands of an agent."""

    def probes_of(self, ci_ref: str) -> tuple[Probe, ...]:
        """Return the probes declared on a CI, by name."""
        ...

    def probes_on(self, ci_refs: Sequence[str]) -> tuple[Probe, ...]:
        """Return the probes declared on any of these CIs, by CI and name."""
        ...

    def samples(self, ci_ref: str, since: datetime, *, limit: int = 500) -> tuple[Sample, ...]:
        """Return the samples of a CI's probes taken at or after `since`, oldest first."""
        ...

    def well_since(self, ci_ref: str) -> datetime | None:
        """Return since when every probe of the CI has been good without a break.

        None where one is bad, has no sample, or has not been sampled for three intervals,
        and where the CI has no probe: silence is not health.
        """
        ...

    def course(self, probe: str, *, begin: datetime, end: datetime) -> tuple[Point, ...]:
        """Return what a probe's value was, in at most 60 points, oldest first.

        Of each sixtieth of the stretch the newest sample that has a value.
        """
        ...

    def hour(self, probe: str, begin: datetime) -> Hour | None:
        """Return what was kept of the whole hour that began then, None where nothing was."""
        ...


class Sweeper(Protocol):
    """Runs what is due and hands over alerts; safe to run in several processes at once."""

    def sweep(self, deliver: Deliver) -> SweepReport:
        """Run the due probes, then deliver each owed Alertmanager version 4 body.

        What is due is said by a clock that all sweepers share, not by this process's own.
        A transition is marked delivered only after `deliver` returned: a crash between the
        two delivers the same bytes again. An exception of `deliver` leaves the body owed.
        """
        ...

    def keep_hours(self) -> int:
        """Keep what each probe's value was in hours that are over; returns how many came.

        Safe to repeat. Servers that know what was a week ago are asked where nobody kept it; one
        that does not answer is asked again the next time.
        """
        ...


@dataclass(frozen=True, slots=True)
class Silence:
    """What is to be silenced at an Alertmanager; `key` is ours, and found again in its comment.

    `matchers` are mappings with name, value, isRegex and isEqual, all of which must hold.
    """

    key: str
    matchers: tuple[Mapping[str, str | bool], ...]
    begins_at: datetime
    ends_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Silenced:
    """A silence as Alertmanager has it."""

    id: str
    ends_at: datetime


class Silencer(Protocol):
    """Writes at one Alertmanager; the executor alone holds one."""

    def find(self, key: str) -> Silenced | None:
        """Return the silence of this key that stands or is to come.

        Raises:
            SilenceAwayError: nobody answers.
        """
        ...

    def put(self, silence: Silence) -> Silenced:
        """Make it, or move the end of the one that is there; safe to repeat.

        Raises:
            SilenceAwayError: nobody can tell whether it was made.
            SilenceRefusedError: it is not taken.
        """
        ...

    def expire(self, key: str) -> bool:
        """End it now; False where there is none.

        Raises:
            SilenceAwayError: nobody can tell whether it was ended.
            SilenceRefusedError: it is not taken.
        """
        ...
