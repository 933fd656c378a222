"""What a policy is shown, what it remembers, what it answers; all times in seconds of one clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, cast

from gpu.tiers import Tier

KEPT_LINGERS: Final = 32
"""Open runs remembered at most; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One queue: how many jobs wait and when its head arrived; `tokens_in` 0 is unknown."""

    tier: Tier
    slot: str
    count: int
    oldest: float
    tokens_in: int = 0
    head_begun: bool = False


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """A slot as measured: seconds to load, megabytes, tokens per second."""

    name: str
    load_s: float
    vram_mb: int
    tokens_per_s: float
    prefill_per_s: float
    embeds: bool


@dataclass(frozen=True, slots=True)
class CardFacts:
    """A card: its memory, the slots it may hold, and whether it holds one at a time."""

    vram_mb: int
    slots: Mapping[str, SlotFacts]
    single: bool


@dataclass(frozen=True, slots=True)
class Running:
    """The job on the card; `expected_end` is a guess, `ends_by` the latest end there can be."""

    tier: Tier
    slot: str
    embeds: bool
    began: float
    tokens_done: int = 0
    expected_end: float | None = None
    ends_by: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The queue to serve now, or None and when to ask again (infinity: at the next arrival).

    `shut` names the ops queues that have to wait until then; every other one may be served.
    """

    serve: tuple[Tier, str] | None
    wake_at: float
    shut: frozenset[tuple[Tier, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Call:
    """How much one embedding call may carry; one job always goes, however big."""

    jobs: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Visit:
    """For how long a slot has overtaken older jobs that wait in its tier for other slots."""

    tier: Tier
    slot: str
    used: float


@dataclass(frozen=True, slots=True)
class Linger:
    """An open run that will ask again: where, and since when it has been silent."""

    run: str
    slot: str
    since: float


@dataclass(frozen=True, slots=True)
class State:
    """What a policy remembers of one card; `resident` has the least recently used first."""

    resident: tuple[str, ...] = ()
    visits: tuple[Visit, ...] = ()
    lingers: tuple[Linger, ...] = ()

    def overtaken(self, tier: Tier, slot: str) -> float:
        """Return the seconds of a slot's visit in a tier."""
        return next((v.used for v in self.visits if v.tier == tier and v.slot == slot), 0.0)

    def with_resident(self, slots: Iterable[str]) -> "State":
        """Return the state with what is really resident, keeping the known order of use."""
        found = tuple(dict.fromkeys(slots))
        known = tuple(slot for slot in self.resident if slot in found)
        return replace(self, resident=known + tuple(s for s in found if s not in known))

    def loaded(self, slot: str) -> "State":
        """Return the state after a load: the slot is resident and the last used."""
        return self.used(slot)

    def unloaded(self, slot: str) -> "State":
        """Return the state after a slot was put out."""
        return replace(self, resident=tuple(s for s in self.resident if s != slot))

    def used(self, slot: str) -> "State":
        """Return the state with a slot as the last used one."""
        return replace(self, resident=(*(s for s in self.resident if s != slot), slot))

    def to_json(self) -> dict[str, object]:
        """Return the state as plain JSON values."""
        return {
            "resident": list(self.resident),
            "visits": [[v.tier.value, v.slot, v.used] for v in self.visits],
            "lingers": [[linger.run, linger.slot, linger.since] for linger in self.lingers],
        }

    @classmethod
    def from_json(cls, said: object) -> "State":
        """Return the state that `to_json` wrote; ValueError when it is none."""
        try:
            found = cast("Mapping[str, Sequence[Sequence[object]]]", said)
            return cls(
                tuple(_text(slot) for slot in found["resident"]),
                tuple(Visit(Tier(_text(t)), _text(s), _number(u)) for t, s, u in found["visits"]),
                tuple(Linger(_text(r), _text(s), _number(a)) for r, s, a in found["lingers"]),
            )
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError("This is no state of a policy: begin with an empty one.") from error


def _text(said: object) -> str:
    if not isinstance(said, str):
        raise TypeError(f"{said!r} is no text")
    return said


def _number(said: object) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise TypeError(f"{said!r} is no number")
    return float(said)


class Policy(Protocol):
    """The rules of one queue; every method is pure."""

    @property
    def name(self) -> str:
        """What people choose it by."""

    def choose(
        self, now: float, waiting: Sequence[Waiting], state: State, facts: CardFacts
    ) -> Choice:
        """Return what the free card does next."""

    def began(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        tier: Tier,
        slot: str,
        arrived: float,
        run: str = "",
    ) -> State:
        """Note that a job of a resident slot starts to work; `waiting` is without it."""

    def worked(self, state: State, tier: Tier, slot: str, seconds: float) -> State:
        """Note how long it worked, its load apart."""

    def finished(
        self, now: float, state: State, tier: Tier, slot: str, *, more: bool, run: str = ""
    ) -> State:
        """Note the end of a job; `more`: its run will ask again."""

    def gives_way_at(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        running: Running,
        facts: CardFacts,
    ) -> float:
        """Return when the running job has to go, as things stand; infinity is never."""

    def call(
        self, now: float, waiting: Sequence[Waiting], state: State, slot: str, facts: CardFacts
    ) -> Call:
        """Return how much the next embedding call of a slot may carry."""
