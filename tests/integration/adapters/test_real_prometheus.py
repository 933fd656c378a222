"""A real Prometheus is asked, and what it knows of itself is judged.

Debian has it as `prometheus`; where the machine has none, this is skipped.
"""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from adapters.monitoring.declared import PrometheusParams
from adapters.monitoring.looks import Look
from adapters.monitoring.prometheus import look_prometheus
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
