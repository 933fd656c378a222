"""The numbered cases of the monitoring contract: silence is not health, and ours end.

Where a check is told of a Prometheus or an Alertmanager (`prometheus`, `alertmanager`), those are
tried too; a silence that it makes matches nothing that there is, and is ended.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Final, get_args

from django.db import transaction

from adapters import rows
from adapters.conformance import Case, Kit, Options, Seen, cannot, refusal, same
from adapters.errors import AdapterError
from adapters.monitoring.changes import MOST_POINTS
from adapters.monitoring.port import History, Reader, Silence, Silencer, Symptom
from adapters.monitoring.ranges import History as OfPrometheus
from adapters.monitoring.silencing import Silencer as OfAlertmanager

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
WHERE: Final = "Tell the check where one is: --set {0}=http://..."


@dataclass
class Bench:
    """One adapter, and the servers that a check was told of."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)
    silenced: list[str] = field(default_factory=list)

    @property
    def reader(self) -> Reader:
        """The adapter's reader."""
        made: Reader = self.adapter.Reader()
        return made

    @property
    def history(self) -> History:
        """What a Prometheus knows."""
        return OfPrometheus(self.options["prometheus"])

    @property
    def silencer(self) -> Silencer:
        """What writes at an Alertmanager."""
        return OfAlertmanager(self.options["alertmanager"])

    @property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this check has it not."""
        away = {one: WHERE.format(one) for one in SERVERS if one not in self.options}
        return {**away, **cannot(self.adapter)}

    @property
    def watched(self) -> list[str]:
        """The CIs that have probes, a few of them."""
        asked = "SELECT DISTINCT ci_ref FROM reading.probe ORDER BY ci_ref LIMIT 10"
        return [row["ci_ref"] for row in rows.select(asked, [])]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Let nothing stay."""
        with transaction.atomic():
            try:
                yield
            finally:
                transaction.set_rollback(True)

    def close(self) -> tuple[str, ...]:
        """End what was silenced; returns what could not be."""
        left: list[str] = []
        for key in self.silenced:
            try:
                self.silencer.expire(key)
            except AdapterError as fault:
                left.append(f"A silence of an hour that matches nothing, {key}: {fault}")
        return tuple(left)

    def silence(self) -> Silence:
        """Return a silence that matches no alert."""
        key = self.marker.replace(" ", "-")
        self.silenced.append(key)
        matcher: Mapping[str, str | bool]
        matcher = {"name": "ethops_check", "value": key, "isRegex": False, "isEqual": True}
        now = datetime.now(UTC)
        return Silence(key, (matcher,), now, now + timedelta(hours=1), f"[{self.marker}]")


SERVERS: Final = ("prometheus", "alertmanager")


def _no_probes(bench: Bench) -> Seen:
    reader = bench.reader
    return same((reader.probes_of(bench.marker), reader.probes_on([bench.marker])), ((), ()))


def _no_samples(bench: Bench) -> Seen:
    return same(bench.reader.samples(bench.marker, LONG_AGO), ())


def _silence_is_not_health(bench: Bench) -> Seen:
    return same(bench.reader.well_since(bench.marker), None)


def _symptoms(bench: Bench) -> Seen:
    probes = [one for ci in bench.watched for one in bench.reader.probes_of(ci)]
    odd = [one.name for one in probes if one.symptom not in (None, *get_args(Symptom))]
    return Seen(not odd, f"{len(probes)} probes, {len(odd)} with a symptom of their own")


def _of_many(bench: Bench) -> Seen:
    each = {one.name for ci in bench.watched for one in bench.reader.probes_of(ci)}
    found = [one.name for one in bench.reader.probes_on([*bench.watched, bench.marker])]
    return Seen(sorted(found) == sorted(each), f"{len(found)} probes of {len(bench.watched)} CIs")


def _in_turn(bench: Bench) -> Seen:
    for ci in bench.watched:
        at = [one.at for one in bench.reader.samples(ci, LONG_AGO, limit=50)]
        if at != sorted(at) or len(at) > 50:
            return Seen(held=False, said=f"{ci}: {len(at)} samples, out of turn")
    return Seen(held=True, said=f"{len(bench.watched)} CIs looked at")


def _course(bench: Bench) -> Seen:
    end = datetime.now(UTC)
    begin = end - timedelta(hours=1)
    names = [one.name for ci in bench.watched for one in bench.reader.probes_of(ci)]
    for name in [bench.marker, *names]:
        at = [point.at for point in bench.reader.course(name, begin=begin, end=end)]
        if at != sorted(at) or len(at) > MOST_POINTS:
            return Seen(held=False, said=f"{name}: {len(at)} points, out of turn or too many")
    return Seen(held=True, said=f"{len(names)} probes looked at")


def _points(bench: Bench) -> Seen:
    end = datetime.now(UTC)
    (one,) = bench.history.series("vector(1)", begin=end - timedelta(minutes=10), end=end)
    at = [point.at for point in one.points]
    held = at == sorted(at) and {point.value for point in one.points} == {1.0}
    return Seen(held, f"{len(at)} points")


def _bad_query(bench: Bench) -> Seen:
    end = datetime.now(UTC)
    begin = end - timedelta(minutes=10)
    return refusal(lambda: bench.history.series("sum(", begin=begin, end=end), AdapterError)


def _silenced_once(bench: Bench) -> Seen:
    silence, silencer = bench.silence(), bench.silencer
    first, again = silencer.put(silence), silencer.put(silence)
    found = silencer.find(silence.key)
    return same((first.id == again.id, found is not None and found.id == again.id), (True, True))


def _ended(bench: Bench) -> Seen:
    silence, silencer = bench.silence(), bench.silencer
    silencer.put(silence)
    ended = [silencer.expire(silence.key) for _ in range(2)]
    return same((ended, silencer.find(silence.key)), ([True, False], None))


KIT: Final = Kit(
    "monitoring",
    (
        Case("An unknown CI has no probe", "((), ())", _no_probes),
        Case("An unknown CI has no sample", "()", _no_samples),
        Case("Silence is not health", "None", _silence_is_not_health),
        Case("Symptoms are the port's words", "no other", _symptoms),
        Case("Probes of many CIs are those of each", "no other", _of_many),
        Case("Samples come in turn, within their bound", "oldest first", _in_turn),
        Case("A course comes in turn, within its bound", "at most 60 points", _course),
        Case("A range is answered in points", "1 everywhere, oldest first", _points, "prometheus"),
        Case("A query that is none is refused", "an error of ours", _bad_query, "prometheus"),
        Case("A silence is made once", "the same one, found", _silenced_once, "alertmanager"),
        Case("A silence is ended once", "ended, then none", _ended, "alertmanager"),
    ),
    Bench,
)
