"""A real Prometheus is asked, and what it knows of itself is judged.

Debian has it as `prometheus`; where the machine has none, this is skipped.
"""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml

from adapters.conformance import tried
from adapters.monitoring import embedded
from adapters.monitoring.changes import MOST_POINTS
from adapters.monitoring.conformance import KIT
from adapters.monitoring.declared import ChangeParams, PrometheusParams
from adapters.monitoring.errors import RangeError
from adapters.monitoring.looks import Look
from adapters.monitoring.prometheus import look_prometheus
from adapters.monitoring.ranges import History, look_change
from ethops.stack.ports import free_ports
from tests.waiting import eventually

BINARY = shutil.which("prometheus")
PATIENCE = 60.0

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(BINARY is None, reason="this machine has no Prometheus"),
]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one that watches itself."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    address = f"127.0.0.1:{free_ports().web}"
    jobs = [{"job_name": "self", "static_configs": [{"targets": [address]}]}]
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert BINARY is not None
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                BINARY,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        eventually(lambda: _has_looked(address), PATIENCE, "Prometheus did not look at itself")
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait(10)


def _has_looked(address: str) -> bool:
    try:
        found = httpx.get(f"http://{address}/api/v1/query", params={"query": "up"}, timeout=5)
        return bool(found.json()["data"]["result"])
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def look(url: str, query: str, **said: object) -> Look:
    given = {"url": url, "query": query, **said}
    return asyncio.run(look_prometheus(PrometheusParams.model_validate(given)))


def test_what_is_up_is_well(prometheus):
    assert look(prometheus, 'up{job="self"}', min=1).symptom == "ok"


def test_what_is_over_its_limit_is_not(prometheus):
    assert look(prometheus, "vector(11)", max=10).symptom == "over_threshold"


def test_what_it_does_not_know_is_not_well(prometheus):
    assert look(prometheus, 'up{job="other"}', min=1).symptom == "wrong_content"


def test_an_expression_that_is_none_is_refused_with_its_words(prometheus):
    assert "parse error" in look(prometheus, "up{", min=1).detail


def change(url: str, query: str, **said: object) -> Look:
    return asyncio.run(
        look_change(ChangeParams.model_validate({"url": url, "query": query} | said))
    )


def test_what_is_as_it_was_yesterday_is_well(prometheus):
    assert change(prometheus, "vector(5)", max_rise=1, max_fall=1).symptom == "ok"


def test_what_has_risen_since_yesterday_is_told_by_how_much(prometheus):
    found = change(prometheus, "vector(time())", max_rise=1)
    assert found.symptom == "over_threshold"
    assert found.value == pytest.approx(86_400, abs=2)


def test_what_was_not_there_yesterday_cannot_be_compared(prometheus):
    assert change(prometheus, "up", max_rise=1).symptom == "wrong_content"


def test_a_range_that_is_refused_is_told_with_its_words(prometheus):
    now = datetime.now(UTC)
    with pytest.raises(RangeError, match="parse error"):
        History(prometheus).series("up{", begin=now - timedelta(hours=1), end=now)


def test_a_range_has_no_more_points_than_are_asked_for(prometheus):
    now = datetime.now(UTC)
    (found,) = History(prometheus).series("vector(1)", begin=now - timedelta(days=30), end=now)
    assert 2 <= len(found.points) <= MOST_POINTS + 1


@pytest.mark.django_db
def test_the_kit_asks_it_too(prometheus: str) -> None:
    bench = KIT.bench(embedded, "ethops check 00000000", {"prometheus": prometheus})
    tries = [one for one in tried(KIT, bench) if one.verdict != "cannot"]
    assert [one.verdict for one in tries] == ["held"] * 9
    assert bench.close() == ()
