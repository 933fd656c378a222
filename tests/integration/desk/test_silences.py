"""A monitor that is no longer heard is told to a person, once."""

import pytest
from django.core.management import call_command

from ethops.desk import senders, silences
from ethops.desk.errors import SenderRefusedError
from ethops.desk.models import Sender
from tests.integration.desk.alerts import alert, opened, take_in

SENDER = "am"
EVERY_S = 60


@pytest.fixture(autouse=True)
def _sender(clean_db):
    """The sender whose alerts are delivered here."""
    senders.create(SENDER)


@pytest.fixture
def later(role):
    """`later(90)`: all that happened was so many seconds earlier."""
    owner = role("owner")

    def move(seconds: int) -> None:
        for table, column in (("desk_sender", "created_at"), ("desk_delivery", "last_at")):
            owner.execute(
                f"UPDATE public.{table} SET {column} = {column} - %s * interval '1 second'",
                [seconds],
            )

    return move


def titles() -> list[str]:
    """Titles of the open incidents."""
    return [ticket.title for ticket in opened()]


def test_a_sender_that_never_spoke_is_silent_after_its_time(later):
    senders.expect(SENDER, silent_after_s=EVERY_S)
    later(EVERY_S + 1)
    silences.watch()
    assert titles() == ["am is silent"]


def test_a_sender_that_spoke_is_not_silent(later):
    senders.expect(SENDER, silent_after_s=EVERY_S)
    later(EVERY_S + 1)
    take_in(alert("Up", severity="info"))
    silences.watch()
    assert titles() == []


def test_the_same_bytes_again_are_heard(later):
    senders.expect(SENDER, silent_after_s=EVERY_S)
    watchdog = alert("Watchdog", severity="none")
    take_in(watchdog)
    later(EVERY_S + 1)
    take_in(watchdog)
    silences.watch()
    assert titles() == []


def test_an_expected_alert_that_ended_is_silence_whatever_else_comes(later):
    senders.expect(SENDER, silent_after_s=EVERY_S, watchdog="Watchdog")
    watchdog = alert("Watchdog", severity="none")
    take_in(watchdog)
    later(EVERY_S + 1)
    take_in({**watchdog, "status": "resolved"}, alert("Up", severity="info"))
    silences.watch()
    assert titles() == ["am is silent"]


def test_one_silence_is_told_once(later):
    senders.expect(SENDER, silent_after_s=EVERY_S)
    later(EVERY_S + 1)
    silences.watch()
    silences.watch()
    assert len(titles()) == 1


def test_nobody_expects_anything_of_a_sender_by_itself(later):
    later(1_000_000)
    silences.watch()
    assert titles() == []


def test_nothing_is_expected_of_a_sender_that_is_off(later):
    senders.expect(SENDER, silent_after_s=EVERY_S)
    senders.switch_off(SENDER)
    later(EVERY_S + 1)
    silences.watch()
    assert titles() == []


@pytest.mark.parametrize("said", [{"silent_after_s": 1}, {"silent_after_s": 10**9}])
def test_a_time_that_is_none_is_refused(said):
    with pytest.raises(SenderRefusedError, match="silent_after_s"):
        senders.expect(SENDER, **said)


def test_it_is_expected_by_a_command(capsys):
    call_command("sender", "expect", SENDER, "--every", "300", "--alert", "Watchdog")
    said = Sender.objects.values_list("silent_after_s", "watchdog").get(name=SENDER)
    assert (said, "Watchdog every 300 s" in capsys.readouterr().out) == ((300, "Watchdog"), True)
