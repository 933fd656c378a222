"""The numbered cases of the forge contract: they read; what they would merge is nobody's to try."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Final, get_args
from uuid import uuid4

from adapters.conformance import Case, Kit, Options, Seen, cannot, refusal, same
from adapters.forge import conf
from adapters.forge.errors import PullNotFoundError
from adapters.forge.port import Capability, Pull, Reader, State

NOWHERE: Final = 2_000_000_000
"""A number that no pull request has yet."""


@dataclass
class Bench:
    """One reader, at the place that the settings name."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """The adapter's reader."""
        made: Reader = self.adapter.Reader(place=conf.place())
        return made

    @property
    def pulls(self) -> tuple[Pull, ...]:
        """A few pull requests of every state that lasts."""
        states: tuple[State, ...] = ("open", "merged", "closed")
        return tuple(one for state in states for one in self.reader.pulls(state, limit=5))

    @property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this adapter has it not."""
        return dict(cannot(self.adapter))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Nothing is written: a branch of a check would start whatever builds branches there."""
        yield

    def close(self) -> tuple[str, ...]:
        """Nothing is left."""
        return ()


def _capabilities(bench: Bench) -> Seen:
    has = bench.reader.capabilities
    return Seen(has <= set(get_args(Capability)), ", ".join(sorted(has)) or "none")


def _unknown(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.get(NOWHERE), PullNotFoundError)


def _unknown_key(bench: Bench) -> Seen:
    return same(bench.reader.find(uuid4()), None)


def _bounded(bench: Bench) -> Seen:
    found = bench.reader.pulls("open", limit=1)
    return Seen(len(found) <= 1, f"{len(found)} open")


def _newest_first(bench: Bench) -> Seen:
    numbers = [one.number for one in bench.reader.pulls("open", limit=20)]
    return same(numbers, sorted(numbers, reverse=True))


def _reads_back(bench: Bench) -> Seen:
    pulls = bench.pulls
    odd = [one.number for one in pulls if bench.reader.get(one.number).head != one.head]
    return Seen(not odd, f"{len(pulls)} read, {len(odd)} with another head")


def _by_path(bench: Bench) -> Seen:
    pulls = bench.pulls
    paths = [[change.path for change in bench.reader.changes(one.number)] for one in pulls]
    return Seen(all(each == sorted(set(each)) for each in paths), f"{sum(map(len, paths))} files")


def _reviews_in_turn(bench: Bench) -> Seen:
    at = [[said.at for said in bench.reader.reviews(one.number)] for one in bench.pulls]
    return Seen(all(each == sorted(each) for each in at), f"{sum(map(len, at))} reviews")


def _no_such_file(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.content(NOWHERE, "absent"), PullNotFoundError)


KIT: Final = Kit(
    "forge",
    (
        Case("It names what it can, by the port's words", "review, or nothing", _capabilities),
        Case("An unknown number is an error", "forge.pull_not_found", _unknown),
        Case("An unknown key finds nothing", "None", _unknown_key),
        Case("A list is bounded", "at most 1", _bounded),
        Case("A list is newest first", "by number, falling", _newest_first),
        Case("A pull request reads back", "with the head of the list", _reads_back),
        Case("Changes are told by path, once", "in order", _by_path),
        Case("Reviews come in turn", "oldest first", _reviews_in_turn),
        Case("A file that is not there is an error", "forge.pull_not_found", _no_such_file),
    ),
    Bench,
)
