"""What osquery finds on hosts, as the telemetry contract gives it: read once, by declared rules."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.telemetry import embedded, results
from adapters.telemetry.port import Collector, Delta, QueryLog, Reader
from adapters.telemetry.records import LONGEST
from ethops.desk import observers
from tests.contract.test_telemetry import declare

SITE = """
hosts: [{{name: here}}]
query_logs:
  - name: fleet
    path: "{log}"
    hosts: {{web-01.example: web-01, db-01.example: db-01}}
"""


@dataclass
class World:
    """One adapter under test, and the log that a fleet's osqueryd write."""

    reader: Reader
    collector: Collector
    path: Path

    def write(self, *lines: str) -> None:
        with self.path.open("a", encoding="utf-8") as log:
            log.write("".join(f"{line}\n" for line in lines))

    def collect(self) -> None:
        self.collector.collect()

    def deltas(self, ci: str = "web-01", hours: float = 24) -> tuple[Delta, ...]:
        return self.reader.deltas(ci, datetime.now(UTC) - timedelta(hours=hours))

    def ports(self, ci: str = "web-01") -> list[str]:
        return [row["port"] for delta in self.deltas(ci) for row in delta.added]

    def log(self) -> QueryLog:
        (log,) = self.reader.query_logs()
        return log


def said(
    port: str, *, action: str = "added", host: str = "web-01.example", ago_h: float = 1,
    counter: int = 5, **more: Any,
) -> str:  # fmt: skip
    at = datetime.now(UTC) - timedelta(hours=ago_h)
    head = {
        "name": "listening_ports", "hostIdentifier": host, "unixTime": int(at.timestamp()),
        "calendarTime": at.strftime("%a %b %d %H:%M:%S %Y UTC"), "epoch": 0, "counter": counter,
        "numerics": False,
    }  # fmt: skip
    return json.dumps(head | {"action": action, "columns": {"port": port}} | more)


@pytest.fixture(params=["adapters.telemetry.embedded", "adapters.telemetry.bus"])
def world(request: pytest.FixtureRequest, become: Callable[[str], None], tmp_path: Path) -> World:
    module = import_module(request.param)
    log = tmp_path / "osqueryd.results.log"
    log.write_text(said("1") + "\n")
    declare(become, tmp_path, SITE.format(log=log))
    made = World(module.Reader(), module.Collector(), log)
    made.collect()
    return made


def test_it_says_that_it_can(world: World) -> None:
    assert "deltas" in world.reader.capabilities


def test_what_was_there_before_anybody_read_is_no_news(world: World) -> None:
    assert world.deltas() == ()
    assert world.log().read_at is not None


def test_what_comes_and_what_goes_is_a_difference_of_its_ci(world: World) -> None:
    world.write(said("8443"), said("25", action="removed"), said("5432", host="db-01.example"))
    world.collect()
    (delta,) = world.deltas()
    assert (delta.query, delta.came, delta.went, delta.whole) == ("listening_ports", 1, 1, True)
    assert (delta.added, delta.removed) == (({"port": "8443"},), ({"port": "25"},))
    assert world.ports("db-01") == ["5432"]
    assert world.deltas("nowhere") == ()


def test_hosts_without_a_ci_are_noted_by_name_the_newest(world: World) -> None:
    world.write(said("1", host="odd"), said("2", host="odd"), said("3"))
    world.collect()
    (one,) = world.reader.strangers()["fleet"]
    assert (one.name, one.times) == ("odd", 2)
    world.write(*(said("1", host=f"h{number}") for number in range(60)), said("2", host="odd"))
    world.collect()
    found = {one.name: one.times for one in world.reader.strangers()["fleet"]}
    assert (len(found), found["odd"], found["h9"]) == (50, 3, 1)


def test_results_of_all_cis_are_given_as_they_came(world: World) -> None:
    since = datetime.now(UTC) - timedelta(hours=3)
    world.write(said("80", ago_h=4), said("25", ago_h=2, action="removed"), said("8443"))
    world.write(said("5432", host="db-01.example", ago_h=0.5))
    world.collect()
    found = world.reader.results(since)
    assert [(one.ci, one.query, one.action, one.rows) for one in found] == [
        ("web-01", "listening_ports", "removed", ({"port": "25"},)),
        ("web-01", "listening_ports", "added", ({"port": "8443"},)),
        ("db-01", "listening_ports", "added", ({"port": "5432"},)),
    ]
    assert world.reader.results(since, limit=1) == found[-1:]
    assert world.reader.results(since, of_each=1) == found[-2:]


def test_a_ci_that_says_much_hides_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    since = datetime.now(UTC) - timedelta(hours=3)
    world.write(*(said(str(port), ago_h=2, host="db-01.example") for port in range(3)))
    world.collect()
    world.write(*(said(str(port), ago_h=1 - port / 100) for port in range(40)))
    world.collect()
    found = world.reader.results(since, limit=5)
    assert [one.ci for one in found] == ["db-01"] * 2 + ["web-01"] * 3
    assert [one.rows[0]["port"] for one in found[2:]] == ["37", "38", "39"]
    assert len(world.reader.results(since)) == 43
    monkeypatch.setattr(embedded, "MOST_ROWS", 2)
    assert [one.ci for one in world.reader.results(since)] == ["db-01", "web-01"]


def test_of_a_snapshot_the_difference_to_that_of_yesterday_is_told(world: World) -> None:
    for ago, ports in ((25, ["22", "80"]), (12, ["22"]), (1, ["22", "8443"])):
        rows = [{"port": port} for port in ports]
        world.write(said("", action="snapshot", ago_h=ago, snapshot=rows, columns=None))
    world.collect()
    (delta,) = world.deltas()
    assert (delta.added, delta.removed) == (({"port": "8443"},), ({"port": "80"},))


def test_a_host_without_a_declared_ci_is_counted_and_not_kept(world: World) -> None:
    world.write(said("1", host="web-01"), said("2", host="WEB-01.example"), "no result", "")
    world.collect()
    assert (world.log().unplaced, world.log().unread) == (2, 1)
    assert world.deltas("web-01") == ()


def test_what_is_written_twice_is_one(world: World) -> None:
    line = said("8443")
    world.write(line, line)
    world.collect()
    world.write(line)
    world.collect()
    (delta,) = world.deltas()
    assert delta.came == 1


def test_a_line_is_read_when_it_has_ended(world: World) -> None:
    line = said("8443")
    with world.path.open("a") as log:
        log.write(line[:40])
    world.collect()
    with world.path.open("a") as log:
        log.write(line[40:] + "\n")
    world.collect()
    assert (world.ports(), world.log().unread) == (["8443"], 0)


def test_a_log_that_is_rotated_loses_nothing(world: World) -> None:
    world.write(said("1"))
    world.collect()
    world.write(said("2"))
    world.path.rename(world.path.with_name(world.path.name + ".1"))
    world.path.write_text(said("3") + "\n")
    world.collect()
    assert sorted(world.ports()) == ["1", "2", "3"]
    assert world.log().lost_at is None


def test_where_a_log_is_gone_no_difference_is_the_whole(world: World) -> None:
    world.write(said("1"))
    world.collect()
    world.path.unlink()
    world.path.write_text(said("2") + "\n")
    world.collect()
    assert world.log().lost_at is not None
    assert [delta.whole for delta in world.deltas()] == [False]


def test_a_snapshot_may_be_longer_than_a_line_of_syslog(world: World) -> None:
    wide = [{"name": f"package-{n}", "about": "x" * 100} for n in range(900)]
    assert len(json.dumps(wide)) > LONGEST
    world.write(said("", action="snapshot", snapshot=wide, columns=None, ago_h=2))
    world.write(said("", action="snapshot", snapshot=wide[1:], columns=None))
    world.collect()
    (delta,) = world.deltas()
    assert (delta.came, delta.went, delta.whole) == (0, 1, True)


def test_a_host_displaces_only_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MOST_OF_CI", 3)
    world.write(said("1", host="db-01.example"))
    world.collect()
    world.write(*(said(str(port)) for port in range(10)))
    world.collect()
    assert (len(world.ports()), world.ports("db-01")) == (3, ["1"])
    monkeypatch.setattr(results, "MOST_BYTES_OF_CI", 40)
    world.write(said("11"))
    world.collect()
    assert len(world.ports()) == 2


def test_a_time_ahead_of_ours_is_ours(world: World) -> None:
    world.write(said("1", ago_h=-500))
    world.collect()
    (delta,) = world.deltas()
    assert delta.end <= datetime.now(UTC)


def test_it_is_forgotten_by_age(world: World, role: Callable[[str], psycopg.Connection]) -> None:
    world.write(said("1"))
    world.collect()
    role("owner").execute("UPDATE telemetry_result SET seen_at = now() - interval '8 days'")
    world.collect()
    assert world.deltas() == ()


def test_a_log_that_cannot_be_read_is_told_once(
    world: World, role: Callable[[str], psycopg.Connection]
) -> None:
    world.path.unlink()
    world.collect()
    assert "No such file" in world.log().fault
    owner = role("owner")
    owner.execute("UPDATE telemetry_querylog SET read_at = now() - interval '5 minutes'")
    for _ in range(2):
        observers.watch()
    titles = [row[0] for row in owner.execute("SELECT title FROM tickets_ticket")]
    assert titles == ["What osquery finds is not read from the log fleet"]


def test_another_declaration_counts_from_then_on(
    world: World, become: Callable[[str], None], tmp_path: Path
) -> None:
    text = SITE.format(log=world.path).replace("db-01.example: db-01", "app.example: app")
    declare(become, tmp_path, text)
    world.write(said("1", host="app.example"), said("2", host="db-01.example"))
    world.collect()
    assert (world.ports("app"), world.ports("db-01")) == (["1"], [])
    declare(become, tmp_path, "hosts: [{name: here}]\n")
    assert world.reader.query_logs() == ()


@pytest.mark.parametrize("name", ["agent", "executor"])
def test_everybody_may_read_and_nobody_else_writes(
    world: World,
    become: Callable[[str], None],
    role: Callable[[str], psycopg.Connection],
    name: str,
) -> None:
    world.write(said("1"))
    world.collect()
    become(name)
    assert world.ports() == ["1"]
    for statement in ("DELETE FROM telemetry_result", "SELECT 1 FROM telemetry_querylog"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role(name).execute(statement)
