"""What is taken away beside the ledger goes from every row of ours that holds it."""

import json
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from audit.ledger import values
from audit.models import Entry
from ethops.executor import tickets
from ethops.management.commands import _ledger_reach
from personas import redaction
from tests.doubles.agent import finish, propose

NAME = 'Robert "Bob" Miller (r.miller@example.org) said: no.'
QUESTION = {"verb": "what next", "facts": [{"worklog": [f"ada: {NAME}", "all is well"]}]}
ANSWER = {"kind": "comment", "text": NAME, "sure": 0.9}

# Where words may stand, by role owner.
PLACES = {
    "steps": "SELECT string_agg(question::text || answer::text, '') FROM personas_step",
    "runs": "SELECT string_agg(checkpoint::text || summary, '') FROM personas_run",
    "actions": "SELECT string_agg(args::text || result::text || reason, '') FROM personas_action",
    "requests": "SELECT string_agg(concat(request, partial, answer), '') FROM gpu_job",
    "lines": "SELECT string_agg(text, '') FROM tickets_logline",
    "tickets": "SELECT string_agg(title || description || solution, '') FROM tickets_ticket",
    "values": "SELECT string_agg(value, '') FROM audit_value",
}


@pytest.fixture
def said(bench):
    """An agent's comment with a name in it, written into its ticket; returns the ticket's ref."""
    ref = bench.incident("web-01")
    step = bench.step(ref)
    propose(bench.links["agent"], step, "k", "ticket.comment", "", ref, {"text": NAME})
    propose(bench.links["agent"], step, "l", "ticket.resolve", "", ref, {"solution": f"As {NAME}"})
    finish(bench.links["agent"], step, "continue", QUESTION, ANSWER)
    bench.record()
    bench.worker().drain("executor.light")
    bench.ask("owner", "UPDATE personas_run SET summary = %s RETURNING 1", f"told that {NAME}")
    work = bench.ask(
        "owner",
        "INSERT INTO audit_work (kind, queue, state, subject)"
        " VALUES ('inference', 'ops.x', 'done', %s) RETURNING id", ref,
    )  # fmt: skip
    raw = json.dumps(ANSWER)  # what a model wrote is JSON within JSON
    bench.ask(
        "owner",
        "INSERT INTO gpu_job (id, tier, slot, kind, principal, ticket_ref, request, answer,"
        " deadline_at) VALUES (%s, 'ops', 'x', 'chat', 'system', %s, %s, %s, now()) RETURNING id",
        work["id"], ref, Jsonb({"messages": [{"content": json.dumps(QUESTION)}]}),
        Jsonb({"message": {"content": raw}}),
    )  # fmt: skip
    bench.record()
    bench.point("app")
    return ref


def digest_of(verb):
    found = Entry.objects.filter(kind="action.authorised").order_by("seq")
    bodies = [json.loads(bytes(one.body))["body"] for one in found]
    return next(body["values"]["args"] for body in bodies if body["verb"] == verb)


def holding(bench):
    return {
        place
        for place, statement in PLACES.items()
        if "Miller" in str(next(iter(bench.ask("owner", statement).values())))
    }


def take(verb="ticket.comment"):
    return redaction.take_away(digest=digest_of(verb), by="ada", why="a name")


def test_the_words_stand_everywhere_before(bench, said):
    assert holding(bench) == set(PLACES)


def test_they_are_gone_from_every_row_of_the_ticket(bench, said):
    take()
    take("ticket.resolve")
    assert holding(bench) == set()


def test_it_says_what_it_reached(bench, said):
    found = take()
    assert (found.gone, found.ticket) == (True, said)
    assert found.reached == {
        "steps": 1, "runs": 1, "actions": 0, "requests": 1, "lines": 2, "tickets": 1,
    }  # fmt: skip


def test_another_value_with_the_same_words_is_named(bench, said):
    found = take()
    assert found.values == [digest_of("ticket.resolve")]
    assert f"ledger redact {found.values[0]}" in "\n".join(_ledger_reach.said(found))


def test_tombstones_stand_in_their_place_and_all_else_stays(bench, said):
    mark = f"[redacted {digest_of('ticket.comment')[:12]}]"
    take()
    question = bench.ask("app", "SELECT question FROM personas_step")["question"]
    assert question["facts"][0]["worklog"] == [f"ada: {mark}", "all is well"]
    assert mark in bench.lines(said)


def test_the_ledger_is_whole_afterwards(bench, said):
    take()
    bench.record()
    assert list(values.faults(since=0, upto=10_000)) == []


def test_a_ticket_that_is_kept_outside_is_named(bench, said, settings):
    found = take()
    settings.ADAPTERS = {"tickets": {"adapter": "adapters.tickets.itop"}}
    assert f"{said} itself is kept outside" in "\n".join(_ledger_reach.said(found))


def test_other_tickets_keep_their_words(bench, said):
    other = bench.incident("spool-01")
    bench.point("app")
    tickets.comment_by_person(key=uuid4(), ref=other, person="ada", text=NAME)
    take()
    assert NAME in bench.lines(other)


def test_a_word_is_not_cut_out_of_a_longer_one(bench):
    found = bench.ask("owner", "SELECT gate.text_without('stops ops. ops', ARRAY['ops'], 'x') AS t")
    assert found == {"t": "stops x. x"}


def test_what_a_host_said_goes_with_its_receipts_left(bench):
    ref = bench.incident("web-01")
    action = bench.authorised(ref, "ticket.comment", text="quiet")
    bench.worker().drain("executor.light")
    row = bench.action(action)
    bench.ask("owner", "UPDATE personas_run SET summary = %s RETURNING 1", row["result"]["said"])
    bench.point("app")
    found = redaction.take_away(digest=row["said_digest"], by="ada", why="a name")
    assert found.reached["runs"] == 1
    assert bench.action(action)["result"] == {"said": "redacted"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tickets_logline SET text = 'x'",
        "UPDATE tickets_logline SET author = 'x', text = '[redacted 0123456789ab]'",
        "DELETE FROM tickets_logline",
    ],
)
def test_nothing_else_happens_to_a_line(bench, said, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bench.ask("owner", statement)


def test_the_desk_edits_no_line_by_itself(bench, said):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bench.ask("app", "UPDATE tickets_logline SET text = '[redacted 0123456789ab]'")


@pytest.mark.parametrize("name", ["agent", "executor", "gpu", "verifier"])
def test_no_other_role_takes_words_away(bench, said, name):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bench.ask(name, "SELECT gate.take_away('x', 'ada', 'x')")


def test_the_inner_doors_are_nobodys(bench, said):
    for call in ("gate.forget_words('x', NULL, '{}', 'x')", "gate.forget_pruned()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bench.ask("app", f"SELECT {call}")


def test_what_retention_let_go_is_gone_from_actions(bench, said, servers, database_name):
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
        link.execute(
            "UPDATE audit_value SET salt = NULL, value = NULL, emptied_at = clock_timestamp()"
        )
    with bench.as_role("owner"):
        assert redaction.forget_pruned() == 2
        assert redaction.forget_pruned() == 0
    bench.point("app")
    assert "actions" not in holding(bench)


def test_the_page_of_the_docs_names_each_place() -> None:
    text = (Path(__file__).parents[3] / "docs/reference/entries.md").read_text(encoding="utf-8")
    assert [name for name in _ledger_reach.NAMES.values() if name not in text] == []
