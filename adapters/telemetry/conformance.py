"""The numbered cases of the telemetry contract: they read, and knock as an unknown host."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Final, get_args

from django.db import transaction

from adapters.conformance import Case, Kit, Options, Seen, cannot, refusal, same
from adapters.telemetry.errors import UnknownObserverError
from adapters.telemetry.port import Capability, Reader, Receiver

NEEDED: Final = frozenset({"logins"})
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Bench:
    """One adapter, and a host that no observer is declared for."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """The adapter's reader."""
        made: Reader = self.adapter.Reader()
        return made

    @property
    def receiver(self) -> Receiver:
        """Its door for observers elsewhere."""
        made: Receiver = self.adapter.Receiver()
        return made

    @property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this adapter has it not."""
        has = self.adapter.Reader.capabilities
        lacks = dict.fromkeys(get_args(Capability), "The adapter does not name it.")
        return {
            **{one: why for one, why in lacks.items() if one not in has},
            **cannot(self.adapter),
        }

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Let nothing stay."""
        with transaction.atomic():
            try:
                yield
            finally:
                transaction.set_rollback(True)

    def close(self) -> tuple[str, ...]:
        """Nothing is left."""
        return ()


def _capabilities(bench: Bench) -> Seen:
    has = bench.reader.capabilities
    return Seen(NEEDED <= has <= set(get_args(Capability)), ", ".join(sorted(has)))


def _keys(bench: Bench) -> Seen:
    keys = bench.reader.keys()
    odd = [one.name for one in keys if not one.fingerprint.startswith("SHA256:")]
    return Seen(not odd, f"{len(keys)} keys, {len(odd)} without a fingerprint")


def _observers(bench: Bench) -> Seen:
    hosts = [one.host for one in bench.reader.observers()]
    return Seen(len(hosts) == len(set(hosts)), f"{len(hosts)} observers")


def _no_uses(bench: Bench) -> Seen:
    return same(bench.reader.uses(bench.marker, LONG_AGO), ())


def _in_turn(bench: Bench) -> Seen:
    read = 0
    for observer in bench.reader.observers():
        uses = bench.reader.uses(observer.host, LONG_AGO, limit=50)
        at = [one.at for one in uses]
        if at != sorted(at) or len(at) > 50:
            return Seen(held=False, said=f"{observer.host}: {len(at)} uses, out of turn")
        read += len(at)
    return Seen(held=True, said=f"{read} uses in turn")


def _none_of_tomorrow(bench: Bench) -> Seen:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    return same((bench.reader.logins(tomorrow), bench.reader.dead_letters(tomorrow)), ((), ()))


def _unknown_position(bench: Bench) -> Seen:
    return refusal(lambda: bench.receiver.position(bench.marker), UnknownObserverError)


def _unknown_push(bench: Bench) -> Seen:
    return refusal(
        lambda: bench.receiver.push(bench.marker, [], after="", position="", complete=True),
        UnknownObserverError,
    )


def _bus(bench: Bench) -> Seen:
    parts = [name for name in ("Listener", "Publisher") if hasattr(bench.adapter, name)]
    return same(parts, ["Listener", "Publisher"])


KIT: Final = Kit(
    "telemetry",
    (
        Case("It names what it sees, by the port's words", "logins among them", _capabilities),
        Case("Keys have their fingerprints", "none without", _keys),
        Case("A host has one observer", "each host once", _observers),
        Case("Of an unknown host nothing was seen", "()", _no_uses),
        Case("Uses come in turn, within their bound", "oldest first", _in_turn),
        Case("Nothing is known of tomorrow", "no login, no dead letter", _none_of_tomorrow),
        Case("An unknown host has no position", "telemetry.unknown_observer",
             _unknown_position, "push"),
        Case("An unknown host pushes nothing", "telemetry.unknown_observer",
             _unknown_push, "push"),
        Case("A bus has two ends", "Listener, Publisher", _bus, "bus"),
    ),
    Bench,
)  # fmt: skip
