"""The monitoring contract, held by every adapter."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
import time_machine
from django.db.utils import ProgrammingError
from psycopg import sql

from adapters import site, site_rows
from adapters.monitoring.port import Deliver, Hour, Reader, Sweeper, SweepReport
from tests.doubles.prometheus import NAN, Prometheus, served

SITE = """
hosts: [{{name: here}}]
cis:
  - ref: heap
    name: A heap of files
    class: directory
    host: here
    probes:
      - {{name: heap-size, kind: directory, path: "{folder}", max_files: 2, interval_s: 1,
         bad_after: 2, good_after: 2, alertname: HeapTooHigh}}
"""


PASS = """
    UPDATE monitoring_probe SET next_due_at = next_due_at - {0}, lease_until = lease_until - {0};
    UPDATE monitoring_sample SET at = at - {0};
    UPDATE monitoring_alertstate
       SET first_bad_at = first_bad_at - {0}, good_since = good_since - {0},
           last_sample_at = last_sample_at - {0}, delivered_at = delivered_at - {0};
"""
"""Time passes by everything written moving into the past; `starts_at` is a name and stays."""


@dataclass
class World:
    """One adapter under test, a directory it watches, and time that the test lets pass."""

    reader: Reader
    sweeper: Sweeper
    folder: Path
    owner: psycopg.Connection
    bodies: list[bytes] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def let_pass(self, seconds: float) -> None:
        span = sql.SQL("make_interval(secs => {})").format(sql.Literal(seconds))
        self.owner.execute(sql.SQL(PASS).format(span))

    def pass_seconds(self, seconds: float) -> SweepReport:
        return self.pass_and_deliver(seconds, self.bodies.append)

    def pass_and_deliver(self, seconds: float, deliver: Deliver) -> SweepReport:
        self.let_pass(seconds)
        return self.sweeper.sweep(deliver)

    def sweep_times(self, times: int) -> None:
        for _ in range(times):
            self.pass_seconds(1)

    def fill(self) -> None:
        for number in range(3):
            (self.folder / str(number)).touch()

    def empty(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()

    def alerts(self) -> list[dict[str, object]]:
        return [json.loads(body)["alerts"][0] for body in self.bodies]


@pytest.fixture(params=["adapters.monitoring.embedded"])
def world(
    request: pytest.FixtureRequest,
    become: Callable[[str], None],
    role: Callable[[str], psycopg.Connection],
    tmp_path: Path,
) -> Iterator[World]:
    module = import_module(request.param)
    folder = tmp_path / "heap"
    folder.mkdir()
    declare(become, tmp_path, SITE.format(folder=folder))
    yield World(module.Reader(), module.Sweeper(), folder, role("owner"))


def declare(become: Callable[[str], None], folder: Path, text: str) -> None:
    file = folder / "site.yaml"
    file.write_text(text, encoding="utf-8")
    found = site.read(file)
    assert found.value is not None, found.faults
    become("owner")
    site_rows.apply(found.value)
    become("app")


def test_a_due_probe_gives_a_sample(world: World) -> None:
    began = world.now
    assert world.pass_seconds(0) == SweepReport(ran=1, bad=0, delivered=0)
    (sample,) = world.reader.samples("heap", began)
    assert (sample.probe, sample.ok, sample.symptom, sample.unit) == (
        "heap-size",
        True,
        "ok",
        "bytes",
    )


def test_a_probe_that_is_not_due_is_not_run(
    world: World, become: Callable[[str], None], tmp_path: Path
) -> None:
    hourly = SITE.format(folder=world.folder).replace("interval_s: 1,", "interval_s: 3600,")
    declare(become, tmp_path, hourly)
    world.pass_seconds(0)
    assert world.pass_seconds(3000).ran == 0
    assert world.pass_seconds(600).ran == 1


def test_an_alert_fires_once_after_enough_bad_samples(world: World) -> None:
    world.fill()
    began = world.now
    world.sweep_times(4)
    ended = world.now
    (alert,) = world.alerts()
    assert alert["status"] == "firing"
    assert alert["labels"] == {
        "alertname": "HeapTooHigh",
        "ci": "heap",
        "probe": "heap-size",
        "severity": "warning",
        "host": "here",
    }
    assert alert["annotations"]["symptom"] == "over_threshold"  # type: ignore[index]
    first_bad = datetime.fromisoformat(alert["annotations"]["first_bad_at"])  # type: ignore[index]
    # A second passed between the first bad sample and the one that made it fire.
    assert began - timedelta(seconds=1) <= first_bad <= ended - timedelta(seconds=1)


def test_a_resolved_alert_is_the_same_episode(world: World) -> None:
    world.fill()
    world.sweep_times(2)
    world.empty()
    world.sweep_times(2)
    fired, resolved = world.alerts()
    assert (fired["status"], resolved["status"]) == ("firing", "resolved")
    assert fired["startsAt"] == resolved["startsAt"]
    assert fired["fingerprint"] == resolved["fingerprint"]


def test_a_firing_alert_is_repeated_byte_for_byte_each_minute(world: World) -> None:
    world.fill()
    world.sweep_times(2)
    # A slow machine takes seconds of its own.
    world.pass_seconds(45)
    assert len(world.bodies) == 1
    world.pass_seconds(15)
    assert world.bodies[0] == world.bodies[1]


def test_a_body_that_could_not_be_delivered_stays_owed(world: World) -> None:
    def refuse(_body: bytes) -> None:
        raise ConnectionError

    world.fill()
    world.pass_seconds(1)
    with pytest.raises(ConnectionError):
        world.pass_and_deliver(1, refuse)
    world.pass_seconds(1.5)
    assert [alert["status"] for alert in world.alerts()] == ["firing"]


def test_both_halves_of_an_undelivered_episode_are_owed(world: World) -> None:
    def refuse(_body: bytes) -> None:
        raise ConnectionError

    world.fill()
    for second in (1, 2, 3, 4):
        if second == 3:
            world.empty()
        try:
            world.pass_and_deliver(1, refuse)
        except ConnectionError:
            continue
    world.pass_seconds(0.1)
    assert [alert["status"] for alert in world.alerts()] == ["firing", "resolved"]


def test_well_since_begins_with_the_first_good_sample(world: World) -> None:
    assert world.reader.well_since("heap") is None
    world.fill()
    world.pass_seconds(0)
    assert world.reader.well_since("heap") is None
    world.empty()
    began = world.now
    world.pass_seconds(1)
    ended = world.now
    world.pass_seconds(5)
    since = world.reader.well_since("heap")
    assert since is not None
    assert began <= since + timedelta(seconds=5) <= ended


def test_silence_is_not_health(world: World) -> None:
    world.pass_seconds(0)
    world.let_pass(3600)
    assert world.reader.well_since("heap") is None
    assert world.reader.well_since("no-such-ci") is None


def test_a_probe_tells_where_its_alert_stands(world: World) -> None:
    (probe,) = world.reader.probes_of("heap")
    assert (probe.alert_status, probe.symptom, probe.params["max_files"]) == ("quiet", None, 2)
    world.fill()
    world.sweep_times(2)
    (probe,) = world.reader.probes_of("heap")
    assert (probe.alert_status, probe.symptom) == ("firing", "over_threshold")
    assert probe.first_bad_at is not None


def test_probes_of_many_cis_come_together(world: World) -> None:
    found = world.reader.probes_on(["no-such-ci", "heap"])
    assert found == world.reader.probes_of("heap") != ()
    assert world.reader.probes_on([]) == ()


def test_a_probe_no_longer_declared_is_not_run(
    world: World, become: Callable[[str], None], tmp_path: Path
) -> None:
    declare(become, tmp_path, "{}\n")
    assert world.pass_seconds(1).ran == 0
    assert world.reader.probes_of("heap") == ()


def test_a_probe_under_lease_is_left_to_its_holder(
    world: World, role: Callable[[str], psycopg.Connection]
) -> None:
    role("app").execute("UPDATE monitoring_probe SET lease_until = now() + interval '1 minute'")
    assert world.pass_seconds(1).ran == 0
    role("app").execute("UPDATE monitoring_probe SET lease_until = now() - interval '1 second'")
    assert world.pass_seconds(1).ran == 1


def test_samples_are_kept_for_a_day(world: World) -> None:
    world.pass_seconds(0)
    world.pass_seconds(25 * 3600)
    assert len(world.reader.samples("heap", world.now - timedelta(days=3))) == 1


def put(world: World, values: Callable[[int], float], count: int, ends: datetime) -> None:
    """Samples of one probe, a minute apart, the last of them then."""
    world.owner.cursor().executemany(
        "INSERT INTO monitoring_sample (probe_id, at, ok, symptom, value)"
        " VALUES ('heap-size', %s, true, 'ok', %s)",
        [(ends - timedelta(minutes=count - 1 - n), values(n)) for n in range(count)],
    )


def test_the_course_of_a_value_is_told_in_few_points(world: World) -> None:
    ends = world.now
    put(world, float, 600, ends)
    begin = ends - timedelta(hours=10)
    found = world.reader.course("heap-size", begin=begin, end=ends + timedelta(seconds=1))
    assert len(found) <= 60
    assert [point.at for point in found] == sorted(point.at for point in found)
    assert (found[0].value < 12, found[-1].value) == (True, 599.0)
    assert world.reader.course("heap-size", begin=begin - timedelta(days=1), end=begin) == ()
    assert world.reader.course("no-such-probe", begin=begin, end=ends) == ()


def test_hours_that_are_over_are_kept_when_samples_are_gone(world: World) -> None:
    over = world.now.replace(minute=0, second=0, microsecond=0)
    put(world, float, 120, over - timedelta(seconds=1))
    put(world, float, 1, world.now)
    assert world.sweeper.keep_hours() == 2
    assert world.sweeper.keep_hours() == 0
    world.owner.execute("DELETE FROM monitoring_sample")
    last = world.reader.hour("heap-size", over - timedelta(hours=1))
    assert last == Hour(over - timedelta(hours=1), 60.0, 89.5, 119.0, 60)
    assert world.reader.hour("heap-size", over) is None


def test_hours_go_after_eight_days(world: World) -> None:
    over = world.now.replace(minute=0, second=0, microsecond=0)
    put(world, float, 60, over - timedelta(seconds=1))
    world.sweeper.keep_hours()
    world.owner.execute("UPDATE monitoring_pasthour SET begin = begin - interval '200 hours'")
    world.sweeper.keep_hours()
    found = world.owner.execute("SELECT min(begin) FROM monitoring_pasthour").fetchone()
    assert found is not None
    assert found[0] > world.now - timedelta(days=8)


ASKS = """
cis:
  - ref: db
    name: A database
    class: database
    probes:
      - {{name: db-disk, kind: prometheus, url: "{url}", query: disk, max: 90, interval_s: 60,
         alertname: DiskFull}}
      - {{name: db-free, kind: prometheus, url: "{url}", query: free, min: 10, interval_s: 60,
         alertname: NoSpace}}
"""


def test_a_prometheus_is_asked_for_hours_of_a_week_ago_that_nobody_kept(
    world: World, become: Callable[[str], None], tmp_path: Path
) -> None:
    knows = {"a": lambda at: at % 3600 / 36, "b": lambda _: NAN, "c": lambda _: -5.0}
    with served(Prometheus(knows)) as there:
        declare(become, tmp_path, ASKS.format(url=there.url))
        assert world.sweeper.keep_hours() == 4
        begin = world.now.replace(minute=0, second=0, microsecond=0) - timedelta(days=7)
        high, low = (world.reader.hour(name, begin) for name in ("db-disk", "db-free"))
        assert high is not None
        assert low is not None
        assert (0 <= high.low < 5, 45 < high.middle < 55, 95 < high.high < 100) == (True,) * 3
        assert (low.low, low.high) == (-5.0, -5.0)
        assert high.points <= 31
        asked = len(there.asked)
        world.sweeper.keep_hours()
        assert len(there.asked) == asked == 2


def test_a_prometheus_that_is_away_is_asked_once_and_again_the_next_time(
    world: World, become: Callable[[str], None], tmp_path: Path
) -> None:
    with served(Prometheus({"a": float}, is_away=True)) as there:
        declare(become, tmp_path, ASKS.format(url=there.url))
        assert (world.sweeper.keep_hours(), len(there.asked)) == (0, 1)
        there.is_away = False
        assert world.sweeper.keep_hours() == 4


def test_an_agent_reads_what_was_and_keeps_nothing(
    world: World, become: Callable[[str], None]
) -> None:
    put(world, float, 60, world.now.replace(minute=0, second=0, microsecond=0))
    become("agent")
    assert world.reader.course("heap-size", begin=world.now - timedelta(days=1), end=world.now)
    assert world.reader.hour("heap-size", world.now) is None
    with pytest.raises(ProgrammingError, match="permission denied"):
        world.sweeper.keep_hours()


def test_a_clock_that_is_set_back_silences_nothing(world: World) -> None:
    world.pass_seconds(0)
    world.let_pass(-3600)
    world.fill()
    assert world.pass_seconds(0).ran == 1
    world.sweep_times(1)
    (probe,) = world.reader.probes_of("heap")
    assert (probe.alert_status, len(world.bodies)) == ("firing", 1)
    assert probe.last_sample_at is not None
    assert abs(world.now - probe.last_sample_at) < timedelta(seconds=60)


def test_a_clock_that_is_set_back_ends_no_repeats(world: World) -> None:
    world.fill()
    world.sweep_times(2)
    world.let_pass(-3600)
    world.pass_seconds(0)
    assert world.bodies[0] == world.bodies[1]


def test_a_lease_from_before_the_clock_was_set_back_is_none(world: World) -> None:
    world.owner.execute("UPDATE monitoring_probe SET lease_until = now() + interval '70 s'")
    world.let_pass(-3600)
    assert world.pass_seconds(0).ran == 1


def test_this_processes_own_clock_says_nothing(world: World) -> None:
    with time_machine.travel(world.now - timedelta(days=30), tick=True):
        assert world.pass_seconds(0).ran == 1
    assert world.pass_seconds(1).ran == 1
    assert len(world.reader.samples("heap", world.now - timedelta(minutes=1))) == 2


def test_an_agent_reads_and_cannot_sweep(world: World, become: Callable[[str], None]) -> None:
    world.pass_seconds(0)
    become("agent")
    assert world.reader.samples("heap", world.now - timedelta(minutes=1))
    assert world.reader.well_since("heap") is not None
    with pytest.raises(ProgrammingError, match="permission denied"):
        world.pass_seconds(1)


def test_a_frozen_process_is_reported_within_its_timeout(
    world: World, become: Callable[[str], None], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        url = f"http://127.0.0.1:{frozen.getsockname()[1]}/"
        text = f"""
cis:
  - {{ref: shop, name: Shop, class: web_service, probes: [
      {{name: shop-http, kind: http, url: "{url}", timeout_s: 2, interval_s: 1, bad_after: 1,
       alertname: ShopDown, severity: critical}}]}}
"""
        declare(become, tmp_path, text)
        world.pass_seconds(1)
    (alert,) = world.alerts()
    assert alert["annotations"]["symptom"] == "no_answer"  # type: ignore[index]
    said = alert["annotations"]["description"]  # type: ignore[index]
    assert said == "Accepts connections, answers nothing within 2 s."
