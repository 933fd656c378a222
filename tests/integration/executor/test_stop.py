"""The stop is a file and a row: both are pressed, both are lifted, and one alone stops."""

import json
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import DatabaseError, connections

from ethops.executor import stop, worker
from ethops.executor.errors import StoppedError
from personas import gate


@pytest.fixture
def file(bench):
    """Where the stop file lies; Django is the app."""
    with bench.as_role("app"):
        yield bench.folder / "state" / "STOP"


@pytest.fixture
def no_database(monkeypatch):
    """`no_database()`: Django's own connection finds nobody from now on."""

    def lose():
        connections.close_all()
        monkeypatch.setitem(connections["default"].settings_dict, "PORT", "1")

    yield lose
    connections.close_all()


def test_both_are_pressed_and_both_are_lifted(file):
    stop.press(by="ada", why="smoke")
    pressed = (file.read_text(), gate.stopped())
    stop.lift(by="ada", why="steam")
    assert (pressed, file.exists(), gate.stopped()) == (("ada: smoke\n", True), False, False)


def test_a_stop_by_file_alone_is_lifted_too(file):
    file.touch()
    stop.lift(by="ada", why="steam")
    assert not stop.is_pressed()


def test_without_a_database_the_file_stops(file, no_database):
    no_database()
    with pytest.raises(DatabaseError):
        stop.press(by="ada", why="smoke")
    assert stop.is_pressed()


def test_without_a_database_nothing_is_lifted(file, no_database):
    stop.press(by="ada", why="smoke")
    no_database()
    with pytest.raises(DatabaseError):
        stop.lift(by="ada", why="steam")
    assert stop.is_pressed()


def test_without_a_folder_the_row_stops(file):
    file.parent.rmdir()
    stop.press(by="ada", why="smoke")
    assert (stop.by_file(), stop.is_pressed()) == (False, True)


def test_the_commands_press_and_lift_both(file, capsys):
    call_command("stop", "--by", "ada", "--why", "smoke")
    pressed = stop.seen_file()
    call_command("resume", "--by", "ada")
    assert (pressed and pressed.says, stop.is_pressed()) == ("ada: smoke", False)


def test_the_command_says_what_stopped_and_what_did_not(file, no_database, capsys):
    no_database()
    call_command("stop")
    assert "Stopped by file alone" in capsys.readouterr().out
    file.unlink()
    file.parent.rmdir()
    with pytest.raises(CommandError, match="Nothing was stopped"):
        call_command("stop")


def test_the_commands_say_it_as_json_too(file, capsys):
    call_command("stop", "--by", "ada", "--why", "smoke", "--json")
    stopped = json.loads(capsys.readouterr().out)
    call_command("resume", "--by", "ada", "--why", "steam", "--json")
    assert stopped == {
        "stopped": True, "by": "ada", "why": "smoke", "row": True, "file": True, "fault": "",
    }  # fmt: skip
    assert json.loads(capsys.readouterr().out) == {"stopped": False, "by": "ada", "why": "steam"}


def test_a_stop_by_file_alone_says_so_as_json(file, no_database, capsys):
    no_database()
    call_command("stop", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["stopped"], said["row"], said["file"]) == (True, False, True)
    assert said["fault"]


def test_a_fault_without_words_is_no_pressed_row(file, monkeypatch, capsys):
    def fail(**_):
        file.write_text("ada: smoke\n")
        raise DatabaseError

    monkeypatch.setattr(stop, "press", fail)
    call_command("stop", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["row"], said["fault"]) == (False, "DatabaseError")


def test_the_units_are_named_as_json(file, tmp_path, capsys):
    folder = tmp_path / "units"
    folder.mkdir()
    call_command("stop", "--units", str(folder), "--json")
    said = json.loads(capsys.readouterr().out)
    assert sorted(said["units"]) == sorted(map(str, folder.iterdir()))
    assert said["target"] in {path.name for path in folder.iterdir()}
    assert not stop.by_file()


def test_a_faulty_site_file_keeps_nobody_from_stopping(file, settings):
    settings.ETHOPS_SITE.write_text("no: [site")
    load_command_class("ethops", "stop").run_from_argv(["manage.py", "stop"])
    assert stop.by_file()


@pytest.mark.parametrize("check", ["signatures", "recorded", "approvals", "rejudged"])
def test_a_stop_while_a_check_waits_for_its_database_stops_the_effect(bench, monkeypatch, check):
    action_id = bench.authorised(bench.incident("web-01"), "ticket.comment", text="x")
    slow = getattr(worker, check)

    def press(claim):
        slow.check(claim)
        (bench.folder / "state" / "STOP").touch()

    monkeypatch.setattr(worker, check, SimpleNamespace(check=press))
    bench.worker().act_one("executor.light")
    assert bench.action(action_id)["result"]["code"] == StoppedError.code
