"""Cards are approved as they are loaded, by a named person, on record; else they may do nothing."""

import shutil
from hashlib import sha256
from io import StringIO

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from personas import conf
from personas.guardrails.models import CardApproval
from personas.models import Card
from tests.doubles import authenticator

APPROVE = "SELECT code, reason FROM gate.approve_card(%s, %s, %s, %s, %s, %s)"


def said(found):
    return found["verdict"], found["guard"]


def test_who_was_approved_may_ask(world):
    assert world.authorised()["verdict"] == "authorised"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE personas_card SET digest = 'other'",
        'UPDATE personas_card SET document = \'{"prompt_digest": "other"}\'',
        'UPDATE personas_card SET document = \'{"waiting": {"why": "it cannot yet"}}\'',
        "UPDATE personas_card SET enabled = false",
    ],
    ids=["file", "prompts", "not dispatchable", "switched off"],
)
def test_a_card_that_is_not_approved_as_it_is_loaded_is_denied_everything(world, change):
    world.run("web-01")
    step = world.step()
    world.as_role("owner").execute(change)
    play = world.propose(step, "playbook.run", "restart", "web-01")
    word = world.propose(step, "ticket.comment", "", step["ticket_ref"], key="c", text="x")
    assert (said(play), said(word)) == (("denied", "card"), ("denied", "card"))


TOLD = "what its model is told"


@pytest.fixture
def changed(world):
    """A card that was loaded anew, and persons of the desk, one of them with a second factor."""
    world.as_role("owner").execute(
        "UPDATE personas_card SET digest = 'new', document = jsonb_build_object('prompt_digest',"
        " gate.sha256_hex(%s))",
        [TOLD],
    )
    for name in ("grace", "bo", "ada"):
        person(world, name, staff=True, superuser=name != "bo")
    return world


def person(world, name, *, staff, superuser):
    world.as_role("owner").execute(
        "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email,"
        " is_staff, is_active, date_joined) VALUES (%s, '!', %s, '', '', '', %s, true, now())",
        [name, superuser, staff],
    )


def factor(world, name):
    secret = bytes(world.value("owner", "SELECT gate.enrol_factor(%s, 'root')", name))
    world.as_role("owner").execute("UPDATE approvals_factor SET confirmed_at = now()")
    return authenticator.code(secret)


def decide(world, name="grace", code="", digest="new", told=TOLD, why="I have read it"):
    found = world.one("app", APPROVE, "responder", digest, told, name, code, why)
    return found["code"]


def risky(world):
    world.as_role("owner").execute("UPDATE personas_catalogueentry SET risk = 'high'")


def entries(world, kind):
    world.record()
    return [
        row["said"]
        for row in world.as_role("app").execute(
            "SELECT convert_from(body, 'UTF8')::jsonb -> 'body' AS said FROM audit_entry"
            " WHERE kind = %s ORDER BY seq",
            [kind],
        )
    ]


def test_a_person_approves_a_card_and_that_is_on_record(changed):
    assert decide(changed) == "ok"
    assert changed.authorised()["verdict"] == "authorised"
    (said,) = entries(changed, "card.approved")
    assert (said["by"], said["why"], said["factor"]) == ("grace", "I have read it", "")


def test_what_was_approved_is_kept_word_for_word(changed):
    decide(changed)
    row = changed.one("app", "SELECT * FROM guardrails_cardapproval WHERE digest = 'new'")
    assert (row["told"], row["document"]) == (
        TOLD, {"prompt_digest": sha256(TOLD.encode()).hexdigest()},
    )  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE guardrails_cardapproval SET digest = 'new'",
        "DELETE FROM guardrails_cardapproval",
        "TRUNCATE guardrails_cardapproval",
    ],
)
def test_an_approval_stays_as_it_was_given(changed, statement):
    with pytest.raises(psycopg.Error, match=r"written once|refused|append"):
        changed.as_role("owner").execute(statement)


REFUSED = {
    "of another card": ({"digest": "d"}, "cards.other_loaded"),
    "of other words": ({"told": "something else"}, "cards.other_loaded"),
    "of no words": ({"told": ""}, "cards.other_loaded"),
    "by nobody": ({"name": ""}, "approvals.forbidden"),
    "by null": ({"name": None}, "approvals.forbidden"),
    "by a stranger": ({"name": "mallory"}, "approvals.forbidden"),
    "without the permission": ({"name": "bo"}, "approvals.forbidden"),
    "by the card itself": ({"name": "responder"}, "approvals.forbidden"),
    "by site load": ({"name": "site load"}, "approvals.forbidden"),
    "without a reason": ({"why": " "}, "cards.no_reason"),
    "with null for a reason": ({"why": None}, "cards.no_reason"),
    "with a code of nobody's": ({"code": "123456"}, "approvals.no_factor"),
}


@pytest.mark.parametrize(("how", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_approval_is_refused_and_on_record(changed, how, code):
    assert decide(changed, **how) == code
    assert changed.value("app", "SELECT gate.card_approved('responder')") is False
    assert [each["code"] for each in entries(changed, "card.refused")] == [code]


def test_there_must_be_such_a_card(changed):
    found = changed.one("app", APPROVE, "nobody", "new", TOLD, "grace", "", "x")
    assert found["code"] == "cards.not_found"


def test_a_card_with_risky_rights_is_approved_with_a_second_factor(changed):
    risky(changed)
    code = factor(changed, "grace")
    assert [decide(changed), decide(changed, code="000000"), decide(changed, code=code)] == [
        "approvals.wrong_code", "approvals.wrong_code", "ok",
    ]  # fmt: skip
    assert entries(changed, "card.approved")[-1]["factor"] == "totp"


def test_a_right_of_which_nobody_says_how_risky_it_is_counts_as_risky(changed):
    changed.as_role("owner").execute(
        "UPDATE personas_grant SET entry = 'other' WHERE entry = 'restart'"
    )
    assert decide(changed) == "approvals.no_factor"


def test_who_loaded_the_change_does_not_approve_it(changed):
    changed.as_role("owner").execute(
        "INSERT INTO approvals_author (kind, digest, person) VALUES ('card', 'new', 'grace')"
    )
    assert decide(changed) == "approvals.not_independent"
    assert decide(changed, name="ada") == "ok"


def test_one_person_alone_waits_and_is_marked(changed):
    owner = changed.as_role("owner")
    owner.execute("UPDATE approvals_profile SET single = true, delay_s = 60")
    code = factor(changed, "grace")
    assert decide(changed, code=code) == "approvals.too_early"
    owner.execute("UPDATE personas_card SET loaded_at = now() - interval '61 s'")
    assert [decide(changed), decide(changed, code=code)] == ["approvals.wrong_code", "ok"]
    row = changed.one("app", "SELECT * FROM guardrails_cardapproval WHERE digest = 'new'")
    assert (row["independent"], row["factor"]) == (False, "totp")


def test_a_second_approval_changes_nothing(changed):
    decide(changed)
    again = changed.one("app", APPROVE, "responder", "new", TOLD, "ada", "", "again")
    assert (again["code"], again["reason"]) == ("ok", "approved before")
    assert len(entries(changed, "card.approved")) == 1


@pytest.mark.parametrize("door", ["agent", "executor"])
def test_no_agent_approves_itself(world, door):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.one(door, APPROVE, "responder", "d", "", "me", "", "x")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value(door, "INSERT INTO guardrails_cardapproval DEFAULT VALUES RETURNING 1")


@pytest.mark.parametrize("door", ["app", "agent", "executor"])
def test_only_the_owner_installs(world, door):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value(door, "SELECT gate.install_card('responder', '')")


@pytest.mark.parametrize("table", ["rule", "commandscope", "cardapproval"])
@pytest.mark.parametrize("door", ["app", "agent", "executor"])
def test_nobody_writes_the_rows_past_the_owner(world, door, table):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.as_role(door).execute(f"DELETE FROM guardrails_{table}")


# ---------------------------------------------------------------- files and commands


@pytest.fixture
def cards(owner, settings, tmp_path):
    settings.ETHOPS_CARDS = shutil.copytree(conf.cards_folder(), tmp_path / "cards")
    owner.load()
    return settings.ETHOPS_CARDS


def approve(card, **options):
    out = StringIO()
    call_command("personas", "approve", card, stdout=out, **options)
    return out.getvalue()


def test_the_first_load_approves_what_is_shipped(owner, cards):
    found = set(CardApproval.objects.values_list("card", "by"))
    assert found == {(card.name, "site load") for card in Card.objects.all()}


def change(cards):
    file = cards / "triage.yaml"
    file.write_text(file.read_text() + "# changed\n")


def test_a_changed_card_is_loaded_and_waits_for_a_person(owner, cards):
    change(cards)
    owner.load()
    with pytest.raises(CommandError, match=r"Nobody has approved these cards.*: triage"):
        call_command("personas", "check", stdout=StringIO())


@pytest.fixture
def ada(owner):
    return User.objects.create_superuser("ada", password="x")


def test_a_person_approves_the_changed_card(owner, cards, ada):
    change(cards)
    owner.load()
    assert "is approved" in approve("triage", by="ada", why="a comment more")
    call_command("personas", "check", stdout=StringIO())


def test_what_lies_here_and_is_not_loaded_is_not_approved(owner, cards, ada):
    change(cards)
    with pytest.raises(CommandError, match="loaded otherwise than you were shown"):
        approve("triage", by="ada", why="too soon")


def test_a_card_is_not_approved_without_a_reason(owner, cards, ada):
    with pytest.raises(CommandError, match="with a reason"):
        approve("triage", by="ada")


def test_a_card_is_not_approved_by_nobody(owner, cards):
    change(cards)
    owner.load()
    with pytest.raises(CommandError, match="may not approve"):
        approve("triage", by="mallory", why="x")


def test_what_cannot_be_dispatched_is_no_approved_card(owner, cards):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT name, gate.card_approved(name) FROM personas_card")
        found = dict(cursor.fetchall())
    waiting = {name for name, approved in found.items() if not approved}
    assert waiting == {
        "change_implementer", "compliance_auditor", "noc_analyst", "research_analyst",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE personas_card SET digest = 'other'",
        'UPDATE personas_card SET document = \'{"waiting": {"why": "it cannot yet"}}\'',
    ],
    ids=["changed", "not dispatchable"],
)
def test_no_run_is_born_of_a_card_that_is_not_approved(world, change):
    world.as_role("owner").execute(change)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="nobody has approved the card"):
        world.run("web-01")
