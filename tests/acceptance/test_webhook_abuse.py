"""Bad input at the webhook of the real web process: 4xx with a stored reason, never 5xx."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ethops.desk import senders
from ethops.desk.models import Delivery
from tests.integration.api.scene import alert, body
from tests.integration.api.served import served
from tests.servers import Servers

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

LIMIT = 4 * 1024 * 1024
DEEP = 200_000


@dataclass
class Door:
    """The webhook, with a good token."""

    url: str
    token: str

    def deliver(self, raw: object, **headers: str) -> httpx.Response:
        said = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(self.url, content=raw, headers=said, timeout=60)  # type: ignore[arg-type]


@pytest.fixture
def door(clean_db: None, servers: Servers, database_name: str, tmp_path: Path) -> Iterator[Door]:
    with served(servers, database_name, tmp_path) as address:
        yield Door(f"{address}/api/v1/webhooks/alertmanager", senders.create("am"))


def of(**changes: object) -> bytes:
    """A good body with one alert changed."""
    return json.dumps({"version": "4", "alerts": [{**alert(), **changes}]}).encode()


REJECTED: dict[str, tuple[bytes, dict[str, str]]] = {
    "nothing": (b"", {}),
    "not json": (b"alert! alert!", {}),
    "half a body": (body(alert())[:-20], {}),
    "NUL": (b'{"version": "4", "alerts": [\x00]}', {}),
    "escaped NUL in a label": (body(alert(host="a\x00b")), {}),
    "200,000 deep lists": (b'{"version": "4", "alerts": ' + b"[" * DEEP + b"]" * DEEP + b"}", {}),
    "200,000 deep objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, {}),
    "a huge whole number": (b'{"version": "4", "alerts": [], "n": ' + b"9" * 100_000 + b"}", {}),
    "beyond int8": (b'{"version": "4", "alerts": [], "truncatedAlerts": 99999999999999999999}', {}),
    "not a number": (b'{"version": "4", "alerts": [], "n": NaN}', {}),
    "a list": (b"[]", {}),
    "a word": (b'"firing"', {}),
    "no version": (b'{"alerts": []}', {}),
    "version 5": (b'{"version": "5", "alerts": []}', {}),
    "alerts that are none": (b'{"version": "4", "alerts": {"a": 1}}', {}),
    "an alert that is a list": (b'{"version": "4", "alerts": [[]]}', {}),
    "a status that is none": (of(status=True), {}),
    "a time that is none": (of(startsAt="yesterday"), {}),
    "a fingerprint that is none": (of(fingerprint="'; DROP TABLE"), {}),
    "labels that are none": (of(labels=[1, 2]), {}),
    "a label that is an object": (of(labels={"alertname": {"$ne": 1}}), {}),
    "no name": (of(labels={}), {}),
    "latin-1": ("{\"version\": \"4\", \"x\": \"Gerät\"}".encode("latin-1"), {}),
    "utf-16": (body(alert()).decode().encode("utf-16"), {}),
    "a wrong charset said": (body(alert()), {"Content_Type": "application/json; charset=utf-16"}),
    "a form": (b"a=1", {"Content_Type": "application/x-www-form-urlencoded"}),
    "plain text": (body(alert()), {"Content_Type": "text/plain"}),
    "a lone surrogate": (of(startsAt="\ud800"), {}),
}  # fmt: skip


def test_every_bad_body_is_a_problem_with_a_stored_reason(door):
    for name, (raw, headers) in REJECTED.items():
        answer = door.deliver(raw, **headers)
        assert answer.status_code in {400, 415, 422}, (name, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json", name
        said = answer.json()
        kept = Delivery.objects.get(pk=said["delivery"])
        assert (kept.state, kept.reason) == ("rejected", said["detail"]), name
        assert bytes(kept.raw) == raw, name
        assert said["code"].startswith("desk."), name


def test_a_bad_body_sent_again_and_again_is_one_row(door):
    answers = [door.deliver(b"alert!").json()["delivery"] for _ in range(3)]
    assert len(set(answers)) == 1
    assert Delivery.objects.get().repeats == 2


def test_labels_at_the_edge_of_what_there_is_are_taken_in(door):
    odd = alert("☃ <b>${jndi:ldap://x}</b>", team="\u202egnp.exe", path="../" * 50, long="x" * 5000)
    assert door.deliver(body(odd)).status_code == 202


def test_a_wrong_token_is_401_and_leaves_nothing(door):
    door.token = "wrong"
    answer = door.deliver(body(alert()))
    assert (answer.status_code, answer.json()["code"]) == (401, "desk.unknown_sender")
    assert not Delivery.objects.exists()


def test_an_oversize_body_is_413(door):
    answer = door.deliver(b" " * (LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "desk.too_large")


def test_an_oversize_body_that_does_not_say_its_length_is_413(door):
    answer = door.deliver(b"x" * 65536 for _ in range(100))
    assert answer.status_code == 413


def test_any_other_method_is_405(door):
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = httpx.request(method, door.url, headers={"Authorization": f"Bearer {door.token}"})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST"), method


def test_after_all_that_a_good_body_is_taken_in(door):
    for raw, headers in REJECTED.values():
        door.deliver(raw, **headers)
    answer = door.deliver(body(alert()))
    assert answer.status_code == 202
    assert Delivery.objects.get(pk=answer.json()["delivery"]).state == "stored"
