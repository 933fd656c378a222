"""From which of iTop's times on is looked, and what a body of a callback is about. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adapters.tickets.itop import callbacks, cron, follow, keeping
from adapters.tickets.itop.names import lived_twice

PARIS = ZoneInfo("Europe/Paris")
BACK = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
"""When clocks in Paris go from three back to two."""


def test_a_look_begins_before_the_end_of_the_last() -> None:
    at = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert follow.window("2026-07-01 13:59:00", at, at, PARIS) == "2026-07-01 13:58:00"


def test_the_first_look_has_no_beginning() -> None:
    assert follow.window("", None, BACK, PARIS) == ""


@pytest.mark.parametrize("minutes", [0, 1, 30, 59, 119])
def test_an_hour_that_is_lived_twice_is_looked_at_twice(minutes: int) -> None:
    # Written just after the clocks went back, and so called earlier than what was seen before.
    after = BACK + timedelta(minutes=minutes)
    begin = follow.window("2026-10-25 02:59:50", BACK - timedelta(minutes=1), after, PARIS)
    assert begin <= "2026-10-25 02:00:00"


@pytest.mark.parametrize("change", [BACK, datetime(2026, 3, 29, 1, 0, tzinfo=UTC)])
@pytest.mark.parametrize("length", [1, 20, 59, 61, 180])
def test_nothing_that_was_written_since_a_look_is_called_earlier(
    change: datetime, length: int
) -> None:
    for n in range(-200, 200, 7):
        at = change + timedelta(minutes=n)
        looked_at = at - timedelta(minutes=length)
        begin = _there(looked_at) - lived_twice(looked_at, at, PARIS)
        assert begin <= min(_there(at - timedelta(minutes=ago)) for ago in range(length + 1))


def test_two_hours_after_it_the_hour_is_lived_once() -> None:
    for after, twice in ((0, 1), (2, 1), (3, 0)):
        at = BACK + timedelta(hours=after)
        assert lived_twice(at - timedelta(minutes=1), at, PARIS) == timedelta(hours=twice)


def _there(at: datetime) -> datetime:
    return at.astimezone(PARIS).replace(tzinfo=None)


def test_an_outage_over_that_hour_skips_nothing() -> None:
    after = BACK + timedelta(hours=9)
    begin = follow.window("2026-10-25 02:59:50", BACK - timedelta(minutes=1), after, PARIS)
    assert begin <= "2026-10-25 02:00:00"


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (b'{"class": "Incident", "id": "21"}', ("Incident", 21)),
        (b'{"class": "Incident", "id": 21}', ("Incident", 21)),
        (b'{"class":"Incident","id":"21","title":"a "quote" and \n"}', ("Incident", 21)),
        (b'{"class":"Incident","id":"21","title":"half', ("Incident", 21)),
        (b'{"class": "Person", "id": "21"}', None),
        (b'{"class": "Incident", "id": "$this->id$"}', None),
        (b'{"class": "Incident", "id": "' + b"9" * 40 + b'"}', None),
        (b'{"class": {"a": 1}, "id": []}', None),
        (b"[" * 100_000, None),
        (b"\xff\xfe\x00", None),
        (b"", None),
        (b"null", None),
    ],
)
def test_a_body_is_about_an_object_or_about_nothing(
    raw: bytes, meant: tuple[str, int] | None
) -> None:
    assert callbacks.about(raw) == meant


def test_a_cron_that_ran_lately_lives() -> None:
    at = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert cron.judged(at - timedelta(minutes=3), at).state == "alive"
    assert cron.judged(at - timedelta(minutes=16), at).state == "stale"


@pytest.mark.parametrize(
    ("polled", "faulty", "state"), [(None, None, "new"), (1, None, "well"), (9, None, "late"),
                                    (1, 2, "away")],
)  # fmt: skip
def test_how_following_stands(polled: int | None, faulty: int | None, state: str) -> None:
    at = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def ago(minutes: int | None) -> datetime | None:
        return None if minutes is None else at - timedelta(minutes=minutes)

    assert keeping.standing(ago(polled), ago(faulty), "gone", at)[0] == state
