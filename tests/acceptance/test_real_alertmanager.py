"""A real Alertmanager delivers to the real web process: repeats, ends and groups as it sends them.

Debian has it as `prometheus-alertmanager`; where the machine has none, this is skipped.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import yaml

from adapters import registry
from adapters.tickets.port import Vouched
from audit.work import rows
from audit.work.rows import Claimed
from ethops.desk import events, senders
from ethops.desk.models import Event
from ethops.executor import tickets
from ethops.stack.ports import free_ports
from tests.integration.api.served import served
from tests.servers import Servers
from tests.waiting import eventually

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.skipif(BINARY is None, reason="this machine has no Alertmanager"),
]

PATIENCE = 60.0


@dataclass
class Alertmanager:
    """The real thing, with short intervals."""

    url: str
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    """Prometheus says of all its alerts when they began, however often it tells of them."""

    def say(self, name: str, *, ended: bool = False, **labels: str) -> None:
        """Tell it of an alert as Prometheus does; one without an end would time out."""
        now = datetime.now(UTC)
        ends = now if ended else now + timedelta(minutes=5)
        alert = {
            "labels": {"alertname": name, "severity": "critical", **labels},
            "annotations": {"summary": f"{name} is told"},
            "startsAt": self.began,
            "endsAt": ends.isoformat(),
        }
        httpx.post(f"{self.url}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()


@pytest.fixture
def alertmanager(
    clean_db: None, servers: Servers, database_name: str, tmp_path: Path
) -> Iterator[Alertmanager]:
    with served(servers, database_name, tmp_path) as address:
        token = tmp_path / "token"
        token.write_text(senders.create("am"), encoding="ascii")
        config = tmp_path / "alertmanager.yml"
        config.write_text(yaml.safe_dump(_config(address, token)), encoding="utf-8")
        port = free_ports().web
        assert BINARY is not None
        with (tmp_path / "alertmanager.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    BINARY,
                    f"--config.file={config}",
                    f"--storage.path={tmp_path / 'am'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            made = Alertmanager(f"http://127.0.0.1:{port}")
            eventually(lambda: _ready(made), PATIENCE, "Alertmanager did not get ready")
            yield made
        finally:
            process.kill()
            process.wait()


def _config(address: str, token: Path) -> dict[str, object]:
    return {
        "route": {
            "receiver": "ethops",
            "group_by": ["alertname"],
            "group_wait": "1s",
            "group_interval": "2s",
            "repeat_interval": "4s",
        },
        "receivers": [
            {
                "name": "ethops",
                "webhook_configs": [
                    {
                        "url": f"{address}/api/v1/webhooks/alertmanager",
                        "http_config": {
                            "authorization": {"credentials_file": str(token)},
                            "follow_redirects": False,
                        },
                    }
                ],
            }
        ],
    }


def _ready(of: Alertmanager) -> bool:
    try:
        return httpx.get(f"{of.url}/-/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def after_reading(holds: Callable[[], object]) -> object:
    """Read what was delivered until something holds."""

    def read() -> object:
        for item in _deliveries():
            events.read_delivery(int(str(item.payload["delivery"])))
        return holds()

    return eventually(read, PATIENCE, "Alertmanager did not deliver it")


def _deliveries() -> Iterator[Claimed]:
    """Claim what is to be read; other work is left, since no card is loaded here."""
    while (item := rows.claim(queue="control", lease_seconds=60)) is not None:
        if item.kind == "intake":
            yield item
        rows.finish(item.id, item.fence)


def resolve(ref: str) -> None:
    tickets.move_by_person(
        key=uuid4(), ref=ref, person="ada", stimulus="ev_resolve",
        fields={"solution": "Mended."}, vouched=Vouched(frozenset({"operator"})),
    )  # fmt: skip


def test_its_repeats_are_counted_and_open_what_was_resolved_too_early(alertmanager):
    alertmanager.say("Down", instance="a")
    after_reading(lambda: Event.objects.filter(decision="opened").exists())
    ref = Event.objects.get().ticket_ref
    after_reading(lambda: Event.objects.get().repeats >= 1)
    resolve(ref)
    after_reading(lambda: Event.objects.get().decision == "reopened")
    found = registry.reader("tickets").get(ref)
    assert (found.state, found.reopens, Event.objects.count()) == ("assigned", 1, 1)


def test_an_end_that_it_delivers_is_the_end_of_its_episode(alertmanager):
    alertmanager.say("Down", instance="a")
    after_reading(lambda: Event.objects.filter(status="firing").exists())
    began = Event.objects.get()
    alertmanager.say("Down", instance="a", ended=True)
    after_reading(lambda: Event.objects.filter(status="resolved").exists())
    ended = Event.objects.get(status="resolved")
    assert (ended.starts_at, ended.ticket_ref) == (began.starts_at, began.ticket_ref)


def test_a_group_that_it_sends_whole_is_one_event_an_alert(alertmanager):
    for number in range(40):
        alertmanager.say("Down", instance=f"host-{number}", rack="r1")
    after_reading(lambda: Event.objects.count() == 40)
    (one,) = registry.reader("tickets").open_tickets()
    assert one.repeats == 39
    assert set(Event.objects.values_list("ticket_ref", flat=True)) == {one.ref}
