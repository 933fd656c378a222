"""iTop's door for callbacks, in the order it looks: way, size, secret, bytes."""

import json
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from adapters.rows import select
from adapters.tickets.itop import callbacks as kept
from adapters.tickets.itop.models import Callback
from ethops import env
from ethops.desk import callbacks

PATH = "/api/v1/itop/callback"
OLD, NEW = "o" * 32, "n" * 40
LIMIT = 256 * 1024
BODY = json.dumps({"class": "Incident", "id": "21"}).encode()


@pytest.fixture(autouse=True)
def secrets(settings: Any) -> None:
    settings.ETHOPS_ITOP_CALLBACK_SECRETS = (OLD, NEW)


def call(raw: bytes = BODY, secret: str = NEW, path: str = PATH, **more: Any) -> Any:
    headers = {"X-Ethops-Secret": secret, "User-Agent": "spider"}
    return Client().post(path, raw, content_type="application/json", headers=headers, **more)


def works() -> list[str]:
    rows = select("SELECT payload ->> 'callback' AS n FROM audit_work WHERE kind = 'intake'")
    return [row["n"] for row in rows]


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PATH, PATH + "/"], ids=["bare", "with a slash"])
@pytest.mark.parametrize("secret", [OLD, NEW], ids=["old", "new"])
def test_what_comes_is_kept_with_its_work_and_answered(path: str, secret: str) -> None:
    answer = call(secret=secret, path=path)
    assert answer.status_code == 202
    assert bytes(Callback.objects.get(pk=answer.json()["callback"]).raw) == BODY
    assert works() == [str(answer.json()["callback"])]


@pytest.mark.django_db
@pytest.mark.parametrize("secret", ["", "wrong", OLD[:-1], OLD + "o", NEW + "\xff"])
def test_who_has_no_secret_of_ours_is_refused_and_keeps_nothing(secret: str) -> None:
    answer = call(secret=secret)
    assert (answer.status_code, answer.json()["code"]) == (401, "itop.unknown_caller")
    assert not Callback.objects.exists()


def test_without_secrets_nobody_is_known(settings: Any) -> None:
    settings.ETHOPS_ITOP_CALLBACK_SECRETS = ()
    assert call(secret="").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\x00\xfe", b'{"a": "b "c" d"}', b"[" * 9000])
def test_what_cannot_be_read_is_kept_all_the_same(raw: bytes) -> None:
    answer = call(raw)
    assert answer.status_code == 202
    assert bytes(Callback.objects.get(pk=answer.json()["callback"]).raw) == raw


@pytest.mark.django_db
def test_the_same_bytes_that_wait_are_one_piece_of_work() -> None:
    first, second = call(), call()
    assert (first.json()["repeated"], second.json()["repeated"]) == (False, True)
    assert len(works()) == 1


@pytest.mark.django_db
def test_the_same_bytes_after_they_were_looked_at_are_another() -> None:
    number = call().json()["callback"]
    Callback.objects.filter(pk=number).update(state="read")
    call()
    assert len(works()) == 2


@pytest.mark.django_db
def test_exactly_the_limit_is_taken_and_no_byte_more() -> None:
    assert call(b"x" * LIMIT).status_code == 202
    answer = call(b"x" * (LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "itop.too_large")


@pytest.mark.parametrize("method", ["get", "put", "delete"])
@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_other_methods_are_refused_and_not_sent_elsewhere(method: str, path: str) -> None:
    assert getattr(Client(), method)(path).status_code == 405


def test_who_calls_in_the_clear_is_refused_and_not_sent_elsewhere(
    settings: Any,
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert (call().status_code, call().json()["code"]) == (403, "itop.plain")


@pytest.mark.django_db
def test_a_database_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(raw: bytes) -> tuple[int, bool]:
        raise OperationalError("gone")

    monkeypatch.setattr(callbacks, "accept", gone)
    answer = call()
    assert (answer.status_code, answer.json()["code"]) == (503, "database.away")


@pytest.mark.django_db
def test_no_more_are_kept_than_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    for n in range(5):
        call(b"%d" % n)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE itop_callback SET last_at = last_at + id * interval '1 second'")
    assert kept.forget() == 2
    assert [bytes(one.raw) for one in Callback.objects.order_by("id")] == [b"2", b"3", b"4"]


@pytest.mark.django_db
def test_the_old_are_forgotten() -> None:
    call()
    Callback.objects.update(last_at="2026-01-01T00:00Z")
    assert (kept.forget(), Callback.objects.count()) == (1, 0)


@pytest.mark.parametrize("said", ["short", f"{OLD} {NEW} {'x' * 32}", "o" * 201, "ö" * 40])
def test_secrets_that_are_none_stop_the_start_and_are_not_told(said: str) -> None:
    with pytest.raises(env.EnvError) as caught:
        env.load({"ETHOPS_ITOP_CALLBACK_SECRETS": said})
    assert said not in str(caught.value)
