"""The webhook body of our own alerts."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.monitoring.alertmanager import Alert, body, fingerprint, labels

AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
NAMED = labels(alertname="ShopDown", ci="shop", probe="shop-http", severity="critical", host="")


def test_an_empty_label_does_not_exist() -> None:
    assert "host" not in NAMED


def test_a_firing_body_is_version_4() -> None:
    said = json.loads(body(Alert(NAMED, {"summary": "s"}, AT, None)))
    (alert,) = said["alerts"]
    assert said["version"] == "4"
    assert said["truncatedAlerts"] == 0
    assert said["groupKey"] == '{}:{alertname="ShopDown"}'
    assert (alert["status"], alert["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert alert["startsAt"] == "2026-01-01T12:00:00.123Z"


def test_a_resolved_body_says_when_it_ended() -> None:
    (alert,) = json.loads(body(Alert(NAMED, {}, AT, AT + timedelta(seconds=9))))["alerts"]
    assert (alert["status"], alert["endsAt"]) == ("resolved", "2026-01-01T12:00:09.123Z")


def test_equal_alerts_give_equal_bytes() -> None:
    turned = dict(reversed(NAMED.items()))
    assert fingerprint(turned) == fingerprint(NAMED)
    assert body(Alert(NAMED, {}, AT, None)) == body(Alert(dict(NAMED), {}, AT, None))


@pytest.mark.parametrize(
    ("named", "number"),
    [
        ({}, 14695981039346656037),
        ({"name": "garland, briggs", "fear": "love is not enough"}, 5799056148416392346),
    ],
)
def test_the_fingerprint_is_that_of_prometheus(named: dict[str, str], number: int) -> None:
    # The examples of Prometheus' own tests of its label sets.
    assert int(fingerprint(named), 16) == number


@given(
    st.dictionaries(st.text(min_size=1).filter(str.isascii), st.text(alphabet="abc", min_size=1))
)
def test_a_fingerprint_is_16_hex_digits(named: dict[str, str]) -> None:
    assert len(fingerprint(named)) == 16
    assert int(fingerprint(named), 16) >= 0
