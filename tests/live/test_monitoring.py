"""The monitoring contract against a real Prometheus and a real Alertmanager."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.monitoring.declared import ChangeParams
from adapters.monitoring.errors import RangeError, SilenceAwayError, SilenceRefusedError
from adapters.monitoring.port import Silence
from adapters.monitoring.ranges import History, look_change
from adapters.monitoring.silencing import Silencer
from ethops.desk import alertmanager
from tests.live.parts import ALERTMANAGER, EXPORTER, PROMETHEUS, Part
from tests.live.watched import Watched, watched
from tests.waiting import eventually

pytestmark = pytest.mark.live
PATIENCE = 60.0


@pytest.fixture(scope="module")
def world(
    need: Callable[[Part], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    for part in (PROMETHEUS, ALERTMANAGER, EXPORTER):
        need(part)
    with watched(tmp_path_factory.mktemp("watched")) as made:
        yield made


def history(world: Watched, query: str) -> list[float]:
    now = datetime.now(UTC)
    found = History(world.prometheus).series(query, begin=now - timedelta(seconds=60), end=now)
    return [point.value for series in found for point in series.points]


def silence(world: Watched, key: str, **changes: object) -> Silence:
    now = datetime.now(UTC)
    matcher = {"name": "alertname", "value": key, "isRegex": False, "isEqual": True}
    said = {
        "key": key, "matchers": (matcher,), "begins_at": now, "why": "the live tests",
        "ends_at": now + timedelta(minutes=10),
    }  # fmt: skip
    return Silence(**(said | changes))  # type: ignore[arg-type]


def test_what_was_is_asked_of_a_real_prometheus(world: Watched) -> None:
    eventually(lambda: 1.0 in history(world, 'up{job="node"}'), PATIENCE)
    eventually(lambda: 0.0 in history(world, 'up{job="gone"}'), PATIENCE)
    assert history(world, "nothing_of_the_kind") == []


def test_a_query_that_it_refuses_is_an_error_of_ours(world: Watched) -> None:
    with pytest.raises(RangeError):
        history(world, "up{")
    with pytest.raises(RangeError):
        History("http://127.0.0.1:9", timeout_s=1).series(
            "up", begin=datetime.now(UTC) - timedelta(seconds=9), end=datetime.now(UTC)
        )


def test_where_there_is_nothing_of_a_day_ago_a_change_says_so(world: Watched) -> None:
    params = ChangeParams(url=world.prometheus, query='up{job="node"}', max_fall=0.5)
    said = asyncio.run(look_change(params))
    assert (said.symptom, said.value) == ("wrong_content", None)


def test_an_alert_of_its_rules_comes_as_we_read_it(world: Watched) -> None:
    eventually(lambda: len(world.bodies) > 0, PATIENCE)
    alerts = [one for body in world.bodies for one in alertmanager.parse(body).alerts]
    gone = next(one for one in alerts if one.labels["alertname"] == "TargetGone")
    assert (gone.firing, gone.labels["ci"], gone.labels["severity"]) == (True, "gone-1", "critical")
    assert gone.fingerprint


def test_a_silence_is_made_once_moved_and_ended(world: Watched) -> None:
    door = Silencer(world.alertmanager)
    one = silence(world, "Live1")
    first = door.put(one)
    assert door.put(one).id == first.id
    later = one.ends_at + timedelta(minutes=5)
    door.put(silence(world, "Live1", begins_at=one.begins_at, ends_at=later))
    found = door.find("Live1")
    assert found is not None
    assert abs((found.ends_at - later).total_seconds()) < 1
    assert door.expire("Live1")
    assert door.find("Live1") is None
    assert not door.expire("Live1")


def test_what_it_refuses_and_that_it_is_away_are_told_apart(world: Watched) -> None:
    with pytest.raises(SilenceRefusedError):
        Silencer(world.alertmanager).put(silence(world, "Live2", matchers=()))
    with pytest.raises(SilenceAwayError):
        Silencer("http://127.0.0.1:9").find("Live3")
