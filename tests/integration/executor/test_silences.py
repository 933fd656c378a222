"""A maintenance window silences a real Alertmanager: made once, ended early, never lost.

Debian has it as `prometheus-alertmanager`; where the machine has none, this is skipped.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.utils import timezone

from adapters.conformance import tried
from adapters.monitoring import embedded
from adapters.monitoring.conformance import KIT
from adapters.monitoring.errors import SilenceAwayError, SilenceRefusedError
from adapters.monitoring.port import Silence
from adapters.monitoring.silencing import Silencer
from ethops.desk import maintenance, silencing
from ethops.muting.models import Muting
from ethops.stack.ports import free_ports
from tests.waiting import eventually

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(BINARY is None, reason="this machine has no Alertmanager"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("alertmanager")
    (folder / "config.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    port = free_ports().web
    assert BINARY is not None
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [BINARY, f"--config.file={folder / 'config.yml'}", f"--storage.path={folder / 'am'}",
             f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        eventually(lambda: _ready(f"http://127.0.0.1:{port}"), 60, "for Alertmanager")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def silence(key: str, *, minutes: float = 60, **said: object) -> Silence:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "key": key,
        "matchers": ({"name": "ci", "value": "shop", "isRegex": False, "isEqual": True},),
        "begins_at": now,
        "ends_at": now + timedelta(minutes=minutes),
        "why": "new disks",
    }
    return Silence(**values | said)


def standing(url: str, mark: str) -> list[dict]:
    rows = httpx.get(f"{url}/api/v2/silences", timeout=5).json()
    return [row for row in rows if mark in row["comment"] and row["status"]["state"] != "expired"]


# ---------------------------------------------------------------- the port's writer


@pytest.mark.django_db
def test_the_kit_silences_and_leaves_nothing(url: str) -> None:
    bench = KIT.bench(embedded, "ethops check 00000000", {"alertmanager": url})
    tries = [one for one in tried(KIT, bench) if one.verdict != "cannot"]
    assert [one.verdict for one in tries] == ["held"] * 9
    assert bench.close() == ()
    assert standing(url, "ethops-check-00000000") == []


def test_a_silence_is_made_once_however_often_it_is_asked_for(url: str) -> None:
    wanted, silencer = silence(str(uuid4())), Silencer(url)
    first = silencer.put(wanted)
    assert silencer.put(wanted).id == first.id
    (row,) = standing(url, wanted.key)
    assert (row["createdBy"], row["comment"]) == ("ethops", f"new disks [ethops:{wanted.key}]")


def test_its_end_is_moved(url: str) -> None:
    key, silencer = str(uuid4()), Silencer(url)
    silencer.put(silence(key))
    later = silence(key, minutes=120)
    silencer.put(later)
    assert len(standing(url, key)) == 1
    found = silencer.find(key)
    assert found
    assert abs(found.ends_at - later.ends_at) < timedelta(seconds=1)


def test_it_is_ended_and_that_can_be_said_again(url: str) -> None:
    key, silencer = str(uuid4()), Silencer(url)
    silencer.put(silence(key))
    assert silencer.expire(key)
    assert not silencer.expire(key)
    assert silencer.find(key) is None


def test_one_of_another_is_left_alone(url: str) -> None:
    key, silencer = str(uuid4()), Silencer(url)
    silencer.put(silence(key))
    silencer.expire(str(uuid4()))
    assert len(standing(url, key)) == 1


def test_what_it_does_not_take_is_refused(url: str) -> None:
    with pytest.raises(SilenceRefusedError):
        Silencer(url).put(silence(str(uuid4()), matchers=()))


def test_one_that_is_away_is_away() -> None:
    with pytest.raises(SilenceAwayError):
        Silencer("http://127.0.0.1:1").put(silence(str(uuid4())))


# ---------------------------------------------------------------- a window's


@pytest.fixture
def declare(bench, settings, url):
    """`declare(url)` declares a window over web-01 where that Alertmanager is the site's."""

    def make(at: str, in_: timedelta = timedelta()):
        site = {"alertmanagers": [{"name": "main", "url": at}]}
        settings.ETHOPS_SITE.write_text(json.dumps(site))
        begins_at = timezone.now() + in_
        bench.point("app")
        return maintenance.declare(
            person="ada",
            begins_at=begins_at,
            ends_at=begins_at + timedelta(hours=1),
            why=f"new disks {uuid4()}",
            cis=["web-01"],
        )

    return make


def round_of(bench) -> None:
    """What the desk and the executor do within seconds."""
    Muting.objects.update(next_at=timezone.now())
    silencing.watch()
    bench.record()
    bench.point("executor")
    bench.worker().drain("executor.light")
    bench.point("app")
    Muting.objects.update(next_at=timezone.now())
    silencing.watch()


def test_a_window_silences_its_cis_and_its_early_end_ends_that(bench, declare, url) -> None:
    window = declare(url)
    round_of(bench)
    (row,) = standing(url, window.why)
    assert row["matchers"] == [{"name": "ci", "value": "web-01", "isRegex": False, "isEqual": True}]
    assert Muting.objects.get().agreed
    maintenance.end(window_id=window.pk, person="ada")
    round_of(bench)
    assert standing(url, window.why) == []
    assert Muting.objects.get().agreed


def test_a_window_that_is_called_off_before_it_begins_leaves_no_silence(
    bench, declare, url
) -> None:
    window = declare(url, in_=timedelta(hours=1))
    round_of(bench)
    assert len(standing(url, window.why)) == 1
    maintenance.end(window_id=window.pk, person="ada")
    round_of(bench)
    assert standing(url, window.why) == []
    assert Muting.objects.get().agreed


def test_one_that_the_door_refuses_holds_up_no_other(bench, declare, url) -> None:
    refused, window = declare(url), declare(url)
    bench.ask(
        "owner",
        "UPDATE muting_muting SET url = 'none' WHERE \"window\" = %s RETURNING 1",
        refused.pk,
    )
    round_of(bench)
    assert len(standing(url, window.why)) == 1


def test_who_ordered_it_and_over_which_cis_is_on_record(bench, declare, url) -> None:
    declare(url)
    silencing.watch()
    row = bench.ask("owner", "SELECT principal, verb, verdict FROM personas_action")
    assert row == {"principal": "person:ada", "verb": "alerts.silence", "verdict": "authorised"}


def test_it_is_none_of_the_changes_of_the_fleet(bench, declare, url) -> None:
    declare(url)
    silencing.watch()
    row = bench.ask("owner", "SELECT gate.fleet_changes(now() - interval '1 hour') AS made")
    assert row == {"made": 0}


def test_one_that_is_away_is_asked_until_it_is_there(bench, declare, settings, url) -> None:
    window = declare("http://127.0.0.1:9")
    round_of(bench)
    assert not Muting.objects.get().agreed
    bench.ask("owner", "UPDATE muting_muting SET url = %s RETURNING id", url)
    settings.ETHOPS_SITE.write_text(json.dumps({"alertmanagers": [{"name": "main", "url": url}]}))
    bench.ask(
        "owner",
        "UPDATE personas_action SET outcome = 'expired', settled_at = now() RETURNING id",
    )
    round_of(bench)
    round_of(bench)
    assert len(standing(url, window.why)) == 1
    assert Muting.objects.get().agreed


def test_an_alertmanager_that_the_site_does_not_declare_is_left_alone(
    bench, declare, settings, url
) -> None:
    window = declare(url)
    settings.ETHOPS_SITE.write_text("{}")
    round_of(bench)
    assert standing(url, window.why) == []
    assert Muting.objects.get().tries == 1


def test_nobody_silences_without_a_name(bench) -> None:
    with pytest.raises(Exception, match="nobody is named"):
        bench.ask("app", "SELECT gate.order_silence('', 'k', '[]', %s)",
                  json.dumps({"key": str(uuid4()), "url": "http://x", "matchers": "[]",
                              "begins": "", "ends": "", "why": "w"}))  # fmt: skip
