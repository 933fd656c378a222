"""In the moment when an adapter is called, the entry of what it does is on disk: every effect."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from adapters.forge import embedded
from adapters.tickets import questions
from ethops.desk import maintenance, silencing
from ethops.executor.registry import EFFECTS, effect_of
from personas import gate
from tests.doubles import tripwire
from tests.doubles.anchors import served
from tests.integration.executor.test_commands import commands as _commands

commands = _commands
pytestmark = pytest.mark.timeout(120)

TICKET_ARGS = {
    "ticket.comment": {"text": "x"},
    "ticket.assign": {"impact": "2", "urgency": "2", "team": "responders"},
    "ticket.resolve": {"solution": "x"},
    "ticket.escalate": {"team": "people", "tried": "x", "asked": "y"},
    "ticket.ask": {"name": "is_meant", "text": "x", "answers": "yes no"},
}


@pytest.fixture
def wire(bench, settings, servers, database_name, monkeypatch):
    """The tripwire in place of the ticket system, and every verb granted."""
    settings.ADAPTERS = {"tickets": {"adapter": "tests.doubles.tripwire"}}
    monkeypatch.setattr(tripwire, "DSN", servers.superuser_dsn(database_name))
    monkeypatch.setattr(tripwire, "MET", [])
    # What is asked of people is no write of the ticket system's: it has a wire of its own.
    monkeypatch.setattr(questions, "ask", tripwire.before(questions.ask))
    for verb in TICKET_ARGS:
        bench.ask(
            "owner",
            "INSERT INTO personas_grant (card_id, verb) VALUES ('incident_responder', %s)"
            " ON CONFLICT DO NOTHING RETURNING 1",
            verb,
        )
    return tripwire


@pytest.mark.parametrize("verb", TICKET_ARGS)
def test_a_ticket_is_written_after_its_entry(bench, wire, verb):
    action_id = bench.authorised(bench.incident("web-01"), verb, **TICKET_ARGS[verb])
    bench.worker().act_one("executor.light")
    assert (wire.MET, bench.action(action_id)["outcome"]) == ([verb], "done")


@pytest.mark.processes
def test_a_play_begins_after_its_entry(bench, wire):
    (bench.folder / "spool").mkdir()
    ref = bench.incident("spool-01")
    action_id = bench.authorised(ref, "playbook.run", "clean_directory", "spool-01")
    bench.worker().act_one("executor.plays")
    assert set(wire.MET) == {"playbook.run"}, bench.action(action_id)["result"]


@pytest.mark.processes
def test_a_command_that_changes_something_begins_after_its_entry(commands, wire):
    commands.bench.ask("owner", "UPDATE guardrails_commandscope SET risk = 'low' RETURNING 1")
    _, action = commands.ask()
    commands.bench.worker().act_one("executor.plays")
    assert set(wire.MET) == {"command.run"}, commands.bench.action(action)["result"]


def test_a_person_is_told_after_the_entry(bench, wire, settings):
    def look(_path, _body):
        wire.look()
        return 200, b""

    with served(look) as url:
        target = f"{url}/ops"
        settings.ETHOPS_SITE.write_text(json.dumps({"notify": {"kind": "http", "url": target}}))
        with bench.as_role("app"):
            args = {"kind": "http", "target": target, "title": "t", "text": "x"}
            gate.order_notice(rule="test", key="k", ticket_ref="", args=args)
        bench.record()
        bench.worker().act_one("executor.light")
    assert wire.MET == ["notify"]


def test_an_alertmanager_is_silenced_after_the_entry(bench, wire, settings):
    def look(_path, body):
        wire.look()
        return 200, b'{"silenceID": "s"}' if body else b"[]"

    with served(look) as url:
        site = {"alertmanagers": [{"name": "main", "url": url}]}
        settings.ETHOPS_SITE.write_text(json.dumps(site))
        now = timezone.now()
        with bench.as_role("app"):
            maintenance.declare(
                person="ada", begins_at=now, ends_at=now + timedelta(hours=1), why="new disks",
                cis=["web-01"],
            )  # fmt: skip
            silencing.watch()
        bench.record()
        bench.worker().act_one("executor.light")
    assert set(wire.MET) == {"alerts.silence"}


def test_a_pull_request_is_opened_after_its_entry(bench, wire, monkeypatch):
    bench.ask("owner", "INSERT INTO autonomy_policy VALUES ('ticket_pulls', 1) RETURNING 1")
    monkeypatch.setattr(embedded, "Writer", tripwire.Forge)
    files = json.dumps([{"path": "pages/a.md", "content": "x"}])
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "pull.open", title="What helped", body="x", files=files)
    bench.worker().act_one("executor.light")
    assert set(wire.MET) == {"pull.open"}, bench.action(action)["result"]
    assert bench.action(action)["outcome"] == "done"
    _merged_after_its_entry(bench, wire, action)


def _merged_after_its_entry(bench, wire, action):
    pull = bench.ask("app", "SELECT number, head FROM reading.pull WHERE key = %s", action)
    with bench.as_role("app"):
        User.objects.create_superuser("ben")
    bench.ask("owner", "SELECT forge.review_pull(%s, %s, 'ben', 'approved', '')", *pull.values())
    assert bench.ask("app", "SELECT code FROM gate.order_merge('ben', %s, %s)", *pull.values()) == {
        "code": "ok"
    }
    bench.record()
    bench.worker().act_one("executor.light")
    assert set(wire.MET) >= {"pull.merge"}
    bench.record()
    bench.worker().act_one("executor.light")
    assert set(wire.MET) >= {"pull.merge", "pull.tell"}


def test_every_kind_of_effect_is_tried_here():
    assert set(EFFECTS) == {
        *TICKET_ARGS, "pull.open", "pull.merge", "pull.tell", "playbook.run", "command.run",
        "notify", "alerts.silence",
    }  # fmt: skip


@pytest.mark.parametrize(
    "forgery",
    ["entry_lsn = 'FFFFFFFF/0'", "entry_seq = 999999", "entry_lsn = NULL"],
    ids=["not flushed", "no such entry", "not stamped"],
)
def test_the_tripwire_trips(bench, wire, forgery):
    bench.authorised(bench.incident("web-01"), "ticket.comment", text="x")
    claim = gate.claim_effect(queue="executor.light", holder="t", lease_seconds=30)
    assert claim is not None
    bench.ask("owner", f"UPDATE audit_work SET {forgery} WHERE id = %s RETURNING 1",
              claim.action_id)  # fmt: skip
    with pytest.raises(tripwire.TrippedError):
        effect_of(claim.verb).act(claim)
