"""The desk's watch over those who watch hosts: silence, lost lines, and clocks that are off.

Where an observer cannot be relied on nothing is called a mismatch; that is an alarm of its own.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from adapters import registry
from adapters.telemetry.port import Observer
from ethops.desk import dispatch

FAULTY_AFTER: Final = timedelta(minutes=2)
"""A file that is just being rotated is not there for a moment."""
MOST_TOLD: Final = 1_000
MOST_WHYS: Final = 10


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong with one observer; `since` tells one occasion from the next."""

    kind: str
    since: str
    said: str


def watch() -> None:
    """Give to a person what is wrong with an observer, once per occasion."""
    now = timezone.now()
    _tell_of_the_dead(now)
    _tell_of_logs(now)
    for observer in registry.reader("telemetry").observers():
        for alarm in alarms(observer, now):
            dispatch.open_for_person(
                occasion=f"observer:{observer.host}:{alarm.kind}:{alarm.since}",
                cause=f"observer:{observer.host}:{alarm.kind}",
                title=f"What our keys do on {observer.host} is not seen as it should be",
                description=alarm.said,
                facts={"host": observer.host, "trouble": alarm.kind},
            )


def _tell_of_the_dead(now: datetime) -> None:
    """Give dead letters of the bus to a person: an hour's as one, folded while that is open."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    letters = registry.reader("telemetry").dead_letters(hour, limit=MOST_TOLD)
    if not letters:
        return
    whys = Counter((letter.routing_key, letter.why) for letter in letters)
    lines = [f"{count} x {key}: {why}" for (key, why), count in whys.most_common(MOST_WHYS)]
    more = f"\n{len(whys) - MOST_WHYS} more reasons." if len(whys) > MOST_WHYS else ""
    dispatch.open_for_person(
        occasion=f"telemetry:dead:{hour:%Y-%m-%dT%H}",
        cause="telemetry:dead",
        title="Messages of observers could not be used",
        description=(
            "What was published on the bus and could not be read or was not ours, this hour:\n"
            + "\n".join(lines)
            + more
            + "\nThe beginning of each is kept among the dead letters of the bus, in the admin."
        ),
        facts={"letters": len(letters), "newest": letters[-1].id},
    )


def _tell_of_logs(now: datetime) -> None:
    """Give to a person which log of osquery's results cannot be read, once per occasion."""
    for log in registry.reader("telemetry").query_logs():
        if not log.fault or (log.read_at is not None and log.read_at > now - FAULTY_AFTER):
            continue
        dispatch.open_for_person(
            occasion=f"query log:{log.name}:{log.read_at}",
            cause=f"query log:{log.name}",
            title=f"What osquery finds is not read from the log {log.name}",
            description=f"{log.fault}. Last read {log.read_at or 'never'}.",
            facts={"log": log.name, "trouble": "fault"},
        )


def alarms(observer: Observer, now: datetime) -> Iterator[Alarm]:
    """Yield what is wrong with an observer now. Pure."""
    silent = timedelta(seconds=observer.silent_after_s)
    read, heard = observer.read_at, observer.heard_until or observer.began_at
    last = min((at for at in (read, heard) if at is not None), default=None)
    if observer.fault and (read is None or read < now - FAULTY_AFTER):
        yield Alarm("fault", f"{read}", f"Its log cannot be read: {observer.fault}.")
    elif last is not None and last < now - silent:
        said = f"Last read {read or 'never'}, last line of the host {heard or 'never'}."
        yield Alarm("silent", f"{last}", f"It is silent. {said}")
    if observer.gap_from is not None and observer.gap_until is not None:
        lost = f"from {observer.gap_from} until {observer.gap_until}"
        yield Alarm("gap", f"{observer.gap_until}", f"Lines may be lost, {lost}.")
    if observer.clock_off_at is not None:
        off = f"A line of {observer.clock_off_at} bears a time that cannot be true"
        said = f"{off}: its clock and ours differ by more than {observer.skew_s} s."
        yield Alarm("clock", f"{observer.clock_off_at:%Y-%m-%d}", said)
