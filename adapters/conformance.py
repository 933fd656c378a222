"""What a conformance kit is made of: numbered cases, what each expects, and what was seen.

A contract keeps its cases beside its port. The same cases run as tests over every adapter and, by
`manage.py adapters check`, against a system that others use as well.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from adapters.errors import AdapterError

Options: TypeAlias = Mapping[str, str]
"""What a check alone is told of where the system is: `url`, `model`."""
Verdict: TypeAlias = Literal["held", "failed", "cannot"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether it was as it must be, and what was there, in words."""

    held: bool
    said: str


class Bench(Protocol):
    """An adapter on which cases are tried, with whatever was put there for them."""

    @property
    def cannot(self) -> Mapping[str, str]:
        """Capability -> why this adapter has it not."""
        ...

    def undone(self) -> AbstractContextManager[None]:
        """Have what a case does within the block not stay."""
        ...

    def close(self) -> tuple[str, ...]:
        """Clean up; returns in a sentence each what is left, and why."""
        ...


@runtime_checkable
class Sweeps(Protocol):
    """A bench whose cases open what a check that is killed leaves open."""

    def sweep(self, marker: str) -> tuple[str, ...]:
        """Clear away what killed checks left: of a marker, or of any an hour ago; says what."""
        ...


B = TypeVar("B", bound=Bench)


@dataclass(frozen=True, slots=True)
class Case(Generic[B]):
    """One thing that every adapter of a contract does.

    `needs` names a capability without which it is not asked; what `stays` is committed, since
    several processes have to see it.
    """

    title: str
    expected: str
    look: Callable[[B], Seen]
    needs: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went."""

    n: int
    title: str
    verdict: Verdict
    expected: str
    seen: str
    ms: int


@dataclass(frozen=True, slots=True)
class Kit(Generic[B]):
    """The cases of a contract, and how an adapter of it is put onto the bench with a marker."""

    contract: str
    cases: tuple[Case[B], ...]
    bench: Callable[[ModuleType, str, Options], B]


AnyKit: TypeAlias = Kit[Any]


def cannot(adapter: ModuleType) -> Mapping[str, str]:
    """Return what an adapter says that its vendor cannot do, and why."""
    said: Mapping[str, str] = getattr(adapter, "CANNOT", {})
    return said


def tried(kit: Kit[B], bench: B) -> Iterator[Result]:
    """Try every case in turn, each on its own: one that fails keeps no other from being tried."""
    for n, case in enumerate(kit.cases, 1):
        yield try_one(n, case, bench)


def try_one(n: int, case: Case[B], bench: B) -> Result:
    """Try one case."""
    why = bench.cannot.get(case.needs) if case.needs else None
    if why is not None:
        return Result(n, case.title, "cannot", case.expected, why, 0)
    began = time.monotonic()
    seen = _seen(case, bench)
    ms = round((time.monotonic() - began) * 1000)
    return Result(
        n, case.title, "held" if seen.held else "failed", case.expected, seen.said, ms
    )  # fmt: skip


def _seen(case: Case[B], bench: B) -> Seen:
    try:
        if case.stays:
            return case.look(bench)
        with bench.undone():
            return case.look(bench)
    except AdapterError as fault:
        return Seen(held=False, said=f"{fault.code}: {fault}")
    except Exception as fault:  # noqa: BLE001 - whatever an adapter does wrong is what was seen
        return Seen(held=False, said=f"{type(fault).__name__}: {fault}")


def refusal(act: Callable[[], object], *kinds: type[AdapterError]) -> Seen:
    """Tell whether an act is refused as it must be."""
    try:
        done = act()
    except kinds as fault:
        return Seen(held=True, said=f"{fault.code}: {fault}")
    return Seen(held=False, said=f"it was done: {done}")


def same(seen: object, expected: object) -> Seen:
    """Tell whether what was seen is what must be."""
    return Seen(held=seen == expected, said=str(seen))
