import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethops.desk.alertmanager import parse
from ethops.desk.errors import RejectedError


def alert(**changes):
    return {
        "status": "firing",
        "labels": {"alertname": "DiskFull", "host": "db-01"},
        "annotations": {"summary": "95 % used", "empty": ""},
        "startsAt": "2026-11-21T04:56:36.019Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "0ccf1ca2e0761114",
        **changes,
    }


def body(*alerts, **changes):
    return json.dumps({"version": "4", "alerts": list(alerts), **changes}).encode()


def test_an_alert_is_read():
    (found,) = parse(body(alert())).alerts
    assert (found.fingerprint, found.firing) == ("0ccf1ca2e0761114", True)


def test_the_status_of_the_whole_body_is_not_believed():
    (found,) = parse(body(alert(), status="resolved", truncatedAlerts=3)).alerts
    assert found.firing


def test_keys_of_newer_versions_are_ignored():
    assert parse(body(alert(), notification_reason="new", routeLabels={})).alerts


def test_what_the_sender_left_out_is_counted():
    assert parse(body(alert(), truncatedAlerts=3)).truncated == 3


def test_a_nul_in_an_annotation_is_cleaned_away():
    (found,) = parse(body(alert(annotations={"summary": "a\x00b\x1b[31m"}))).alerts
    assert found.annotations["summary"] == "ab"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "charset"),
        (b'{"a":"\x00"}', "nul"),
        (b"[" * 200_000, "depth"),
        (b'{"a":' * 200_000, "depth"),
        (b'{"version":"4","alerts":[],"n":' + b"9" * 5_000 + b"}", "integer"),
        (b'{"version":"4","alerts":NaN}', "not_json"),
        (b"[]", "not_an_object"),
        (body(version="3"), "version"),
        (body(alerts="none"), "alerts"),
        (body("text"), "alert"),
        (body(alert(status="burning")), "alert"),
        (body(alert(startsAt="yesterday")), "alert"),
        (body(alert(startsAt=5)), "alert"),
        (body(alert(fingerprint="../..")), "alert"),
        (body(alert(labels={})), "alert"),
        (body(alert(labels={"alertname": 5})), "alert"),
        (body(alert(labels={"alertname": "a\x00"})), "nul"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:30]),
)
def test_a_bad_body_is_rejected_with_a_reason(raw, code):
    with pytest.raises(RejectedError) as refused:
        parse(raw)
    assert refused.value.code == f"desk.body.{code}"


def test_a_string_that_is_left_open_is_read_in_one_pass():
    # Quadratic reading of this took hours; the test's own time limit is its judge.
    with pytest.raises(RejectedError):
        parse(b'"' + b'\\"' * 2_000_000)


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=utf-16"])
def test_a_foreign_content_type_is_rejected(kind):
    with pytest.raises(RejectedError) as refused:
        parse(body(alert()), kind)
    assert refused.value.status == 415


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(raw):
    try:
        parse(raw)
    except RejectedError as refused:
        assert 400 <= refused.status < 500


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(sorted(alert())), values), values)
def test_no_shape_of_alert_breaks_the_reader(changes, extra):
    try:
        parse(body(alert(**changes), extra=extra))
    except RejectedError as refused:
        assert 400 <= refused.status < 500
