"""A stop by file alone is heard of by the desk: a row, an entry, and none again after a lift."""

import os

import pytest
from django.db import connections

from ethops.desk import autonomy
from ethops.executor import stop
from personas import gate
from personas.autonomy import doors
from personas.autonomy.models import Breaker
from personas.models import Stop
from tests.conftest import point_django


@pytest.fixture
def file(clean_db, servers, database_name, settings, tmp_path):
    """Where the stop file lies; Django is the app."""
    settings.ETHOPS_STATE = tmp_path
    point_django(servers, database_name, "ethops_app")
    yield tmp_path / "STOP"
    connections.close_all()


def test_without_a_file_nothing_is_pressed(file):
    autonomy.look_once()
    assert not gate.stopped()


def test_a_file_becomes_a_row(file):
    file.write_text("ada: smoke\n")
    autonomy.look_once()
    row = Stop.objects.get()
    assert (row.stopped, row.by) == (True, "ada: smoke")


@pytest.mark.parametrize(("says", "via"), [("ada: smoke", "file"), ("systemd target: x", "target")])
def test_the_entry_says_by_which_door(file, role, says, via):
    file.write_text(says)
    autonomy.look_once()
    found = role("app").execute("SELECT body ->> 'via' FROM audit_pending").fetchall()
    assert found == [(via,)]


def test_what_is_lifted_stays_lifted(file):
    file.write_text("ada: smoke\n")
    autonomy.look_once()
    stop.lift(by="ada", why="steam")
    autonomy.look_once()
    assert not gate.stopped()


def test_between_row_and_file_a_lift_is_not_undone(file):
    """The row is lifted first; the desk may look before the file is gone."""
    file.write_text("ada: smoke\n")
    autonomy.look_once()
    gate.lift_stop(by="ada", why="steam")
    autonomy.look_once()
    assert not gate.stopped()


def test_a_file_laid_down_after_a_lift_stops_again(file):
    stop.press(by="ada", why="smoke")
    stop.lift(by="ada", why="steam")
    file.write_text("bo: more smoke\n")
    # However old it claims to be.
    os.utime(file, (0, 0))
    autonomy.look_once()
    assert gate.stopped()


def test_an_open_breaker_is_given_to_a_person_once(file):
    doors.open_breaker(by="ada", why="smoke")
    autonomy.look_once()
    first = Breaker.objects.get().ticket_ref
    autonomy.look_once()
    assert first.startswith("INC-")
    assert Breaker.objects.get().ticket_ref == first
