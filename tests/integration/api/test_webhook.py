"""The webhook's door, in the order it looks: size, sender, bytes."""

import json

import pytest
from django.db import OperationalError, connection
from django.test import Client

from ethops.desk import senders
from ethops.desk.models import Delivery
from tests.integration.api.scene import alert, body

PATH = "/api/v1/webhooks/alertmanager"
LIMIT = 4 * 1024 * 1024


@pytest.fixture
def token():
    return senders.create("am")


def deliver(raw, token, content_type="application/json"):
    client = Client()
    return client.post(
        PATH, raw, content_type=content_type, headers={"Authorization": f"Bearer {token}"}
    )


def test_a_delivery_is_stored_and_answered_with_its_number(token):
    raw = body(alert())
    answer = deliver(raw, token)
    assert answer.status_code == 202
    assert bytes(Delivery.objects.get(pk=answer.json()["delivery"]).raw) == raw


def test_the_same_bytes_again_are_told_as_a_repeat(token):
    raw = body(alert())
    deliver(raw, token)
    assert deliver(raw, token).json()["repeated"] is True


def test_work_stands_in_the_same_commit(token):
    delivery = deliver(body(alert()), token).json()["delivery"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload ->> 'delivery' FROM audit_work WHERE kind = 'intake'")
        assert cursor.fetchall() == [(str(delivery),)]


@pytest.mark.parametrize("said", ["", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer \xff"])
def test_an_unknown_sender_is_refused_and_told_how(token, said):
    answer = Client().post(
        PATH, body(alert()), content_type="application/json", headers={"Authorization": said}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "desk.unknown_sender")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_disabled_sender_is_unknown(token):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE desk_sender SET enabled = false")
    assert deliver(body(alert()), token).status_code == 401


def test_size_is_looked_at_before_the_token():
    answer = deliver(b"x" * (LIMIT + 1), "wrong")
    assert (answer.status_code, answer.json()["code"]) == (413, "desk.too_large")


def test_exactly_the_limit_is_read(token):
    assert deliver(b"x" * LIMIT, token).status_code == 400


def test_reading_is_refused_so_that_a_redirect_loses_nothing():
    answer = Client().get(PATH)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_rejected_body_names_its_delivery_and_reason(token):
    answer = deliver(b"not json", token)
    said = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    kept = Delivery.objects.get(pk=said["delivery"])
    assert (kept.state, kept.reason) == ("rejected", said["detail"])


def test_a_database_that_is_away_is_a_reason_to_try_again(token, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("ethops.desk.intake.accept", away)
    answer = deliver(body(alert()), token)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert json.loads(answer.content)["code"] == "database.away"
