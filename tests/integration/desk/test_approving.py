"""What people type about approvals, what loading keeps for them, and what tickets are told."""

import re
from base64 import b32decode
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from adapters.registry import reader
from adapters.tickets.port import TicketDraft
from ethops.desk import approvals
from ethops.executor import tickets
from personas.approvals.models import Author, Factor, Profile, Tree
from tests.conftest import point_django
from tests.doubles import authenticator
from tests.doubles.cards import approve_all


@pytest.fixture
def owner(clean_db, servers, database_name):
    """Django as the owner, who loads and enrols."""
    point_django(servers, database_name, "ethops_owner")
    yield
    point_django(servers, database_name, "ethops_app")


def say(*words, **options):
    out = StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def kinds():
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind FROM audit_pending ORDER BY n")
        return [kind for (kind,) in cursor.fetchall()]


# ---------------------------------------------------------------- loading
def test_loading_keeps_the_files_behind_every_hash(owner):
    say("site", "load")
    tree = Tree.objects.get(entry="restart_service")
    assert "playbook.yaml" in [file["path"] for file in tree.files]
    assert tree.diff.startswith("---")


def test_who_loads_is_noted_for_what_is_new_where_he_says_so(owner):
    say("site", "load", "--by", "ada")
    assert set(Author.objects.values_list("person", "kind")) == {("ada", "tree"), ("ada", "card")}


def test_nobody_is_noted_where_nobody_says_so(owner):
    say("site", "load")
    assert not Author.objects.exists()


SITE = "operators: single\napprovals: {delay_s: 60, veto_s: 90, normal_s: 600}\n"


def test_the_site_says_how_it_approves(owner, tmp_path: Path, settings):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text(SITE)
    assert "approvals by single" in say("site", "load")
    found = Profile.objects.get()
    assert (found.single, found.delay_s, found.veto_s, found.normal_s) == (True, 60, 90, 600)


def test_one_alone_does_not_declare_away_his_delay(owner, tmp_path: Path, settings):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text("operators: single\napprovals: {delay_s: 0}\n")
    with pytest.raises(CommandError, match=r"site\.yaml:2"):
        say("site", "load")


# ---------------------------------------------------------------- second factors
@pytest.fixture
def ada(owner):
    User.objects.create(username="ada", is_staff=True)


def test_a_factor_is_enrolled_in_two_commands(ada):
    said = say("factor", "enrol", "ada")
    secret = b32decode(re.search(r"authenticator: ([A-Z2-7 ]+)", said)[1].replace(" ", ""))
    assert "has a second factor" in say("factor", "confirm", "ada", authenticator.code(secret))
    assert "ada: confirmed" in say("factor", "list")
    assert kinds() == ["person.factor", "person.factor"]


def test_the_code_is_drawn_for_a_telephone(ada):
    assert any(block in say("factor", "enrol", "ada") for block in "█▀▄")


def test_a_wrong_code_confirms_nothing(ada):
    say("factor", "enrol", "ada")
    with pytest.raises(CommandError, match="not taken"):
        say("factor", "confirm", "ada", "000000")
    assert Factor.objects.defer("secret").get().confirmed_at is None


@pytest.mark.parametrize("name", ["nobody", "triage"])
def test_only_who_logs_in_is_enrolled(ada, name):
    with pytest.raises(CommandError, match="Nobody logs in"):
        say("factor", "enrol", name)


def test_a_factor_is_revoked_once(ada):
    say("factor", "enrol", "ada")
    say("factor", "revoke", "ada")
    with pytest.raises(CommandError, match="has none"):
        say("factor", "revoke", "ada")


# ---------------------------------------------------------------- tickets
def test_a_ticket_is_told_once_of_what_waits(clean_db, monkeypatch, role):
    draft = TicketDraft("incident", "It is broken", "", 2, 2, "test", "rule", ())
    ref = tickets.open_incident(key=uuid4(), draft=draft, facts={}).ref
    action = _proposal(role("owner"), ref)
    payload = {"ticket": ref, "why": "approval", "action": action, "state": "waiting", "said": ""}
    approvals.tell(ref, payload)
    approvals.tell(ref, payload)
    lines = [line.text for line in reader("tickets").worklog(ref) if action in line.text]
    assert len(lines) == 1
    assert "waits for a person to approve it with a second factor" in lines[0]


def _proposal(owner, ref):
    """The rows that a proposal leaves, without an agent."""
    owner.execute(
        "INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)"
        " VALUES ('r', 'R', 'p', 't', 'd', '{}', '{}')"
    )
    approve_all(owner)
    intent, run, action = (str(uuid4()) for _ in range(3))
    owner.execute(
        "INSERT INTO personas_agentintent (id, card_id, ticket_ref, priority, scope, joined,"
        " inputs, dedup) VALUES (%s, 'r', %s, 2, '[]', 'joined', '{}', 'x')",
        [intent, ref],
    )
    owner.execute(
        "INSERT INTO personas_run (id, intent_id, card_id, ticket_ref, state, max_steps,"
        " max_actions, deadline) VALUES (%s, %s, 'r', %s, 'waiting', 5, 5, now() + interval '1 h')",
        [run, intent, ref],
    )
    owner.execute(
        "INSERT INTO personas_action (id, run_id, key, principal, ticket_ref, verb, entry, target,"
        " verdict, risk) VALUES (%s, %s, 'k', 'run:x', %s, 'playbook.run', 'e', 'web', 'proposed',"
        " 'high')",
        [action, run, ref],
    )
    owner.execute("SELECT gate.put_approval(%s, 'propose')", [action])
    return action
