"""People are told what happened: whom the rules name, once, again until somebody has it."""

import json
from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from adapters.tickets import embedded
from adapters.tickets.models import Watcher
from adapters.tickets.port import Note, TicketDraft, Vouched
from ethops.desk import handover, notices, noticing
from ethops.executor import targets, tickets
from ethops.notify import loading, policy
from ethops.notify.models import Contact, Moment, Notice, Rule
from personas import queries
from personas.models import Action

OPERATOR = Vouched(frozenset({"operator"}))


@pytest.fixture(autouse=True)
def _house(clean_db, settings):
    settings.ETHOPS_SMTP_URL = "smtp://127.0.0.1:1"


def opened(requester="mia@example.org", impact=2, urgency=2):
    draft = TicketDraft("incident", "It hangs", "Since noon.", impact, urgency, requester, "person")
    return embedded.Writer().open(uuid4(), draft, OPERATOR).ref


def sent():
    """What was ordered, oldest first: target, title and text."""
    rows = Action.objects.filter(verb="notify").order_by("decided_at")
    return [(row.args["target"], row.args["title"], row.args["text"]) for row in rows]


def later(**how):
    """Let what is due come due: the clock of the rows is moved, not ours."""
    back = timezone.now() - timedelta(**how)
    Notice.objects.filter(next_at__isnull=False).update(next_at=back)


def contact(name="ops", **more):
    given = {"kind": "mail", "target": f"{name}@example.org", **more}
    return Contact.objects.create(name=name, **given)


def rule(**more):
    given = {"name": "Grave", "occasion": "opened", "whom": "contact", "contact": "ops", **more}
    return Rule.objects.create(**given)


def test_a_requester_by_mail_hears_that_it_is_filed_said_and_solved():
    ref = opened()
    noticing.tell()
    tickets.comment_by_person(key=uuid4(), ref=ref, person="otto", text="Is it plugged in?")
    tickets.comment_by_person(
        key=uuid4(), ref=ref, person="otto", text="He is a fool.", visibility="private"
    )
    embedded.Writer().move(
        uuid4(), ref, "ev_resolve", {"solution": "Plugged in."},
        Note("Plugged in.", "otto", "person"), OPERATOR,
    )  # fmt: skip
    noticing.tell()
    told = sent()
    assert [(to, title) for to, title, _ in told] == [("mia@example.org", f"[{ref}] It hangs")] * 3
    assert "We have it" in told[0][2]
    assert "Is it plugged in?" in told[1][2]
    assert "Close it, or open it again: {link}" in told[2][2]
    assert "fool" not in str(told)


def test_nothing_is_told_twice_however_often_one_looks():
    opened()
    for _ in range(3):
        noticing.tell()
        later(seconds=1)
    assert len(sent()) == 1
    assert not Moment.objects.exists()


def test_nobody_is_told_what_he_said_himself():
    ref = opened()
    noticing.tell()
    tickets.comment_by_person(key=uuid4(), ref=ref, person="mia@example.org", text="Hello?")
    noticing.tell()
    assert len(sent()) == 1


def test_a_login_is_reached_at_its_address_and_sent_to_the_portal():
    User.objects.create_user("mia", email="m@example.org")
    ref = opened("mia")
    noticing.tell()
    ((to, _, text),) = sent()
    assert to == "m@example.org"
    assert text.endswith(f"/portal/tickets/{ref}/")


def test_who_has_no_address_is_told_nothing_and_nothing_breaks():
    User.objects.create_user("mia")
    opened("mia")
    noticing.tell()
    assert sent() == []


def test_a_house_without_a_mail_server_tries_nobody_by_mail(settings):
    settings.ETHOPS_SMTP_URL = ""
    contact()
    contact("phone", kind="ntfy", target="https://ntfy.example.org/ops")
    rule()
    rule(name="Too", contact="phone")
    opened()
    noticing.tell()
    assert [to for to, _, _ in sent()] == ["https://ntfy.example.org/ops"]


def test_a_rule_s_notice_that_reached_nobody_is_tried_twice_again():
    opened()
    noticing.tell()
    for _ in range(5):
        row = Action.objects.order_by("-decided_at").first()
        notices.again(queries.notice(str(row.pk)), ticket_ref=row.ticket_ref)
    assert len(sent()) == 1 + notices.MOST_OF_RULES


def test_watchers_are_told_without_the_requesters_link():
    ref = opened("nobody")
    Watcher.objects.create(ticket_id=ref, address="w@example.org", why="asked", by="otto")
    tickets.comment_by_person(key=uuid4(), ref=ref, person="otto", text="We look. {link}")
    noticing.tell()
    ((to, title, text),) = sent()
    assert (to, title) == ("w@example.org", f"P3 [{ref}] something was said: It hangs")
    assert text.endswith(f"/tickets/{ref}/")


def test_a_rule_speaks_of_its_priorities_alone():
    contact()
    rule(priorities="P1 P2")
    opened("nobody")
    ref = opened("nobody", 1, 1)
    noticing.tell()
    assert [(to, title) for to, title, _ in sent()] == [
        ("ops@example.org", f"P1 [{ref}] opened: It hangs")
    ]


# ---------------------------------------------------------------- again, until somebody has it


def test_who_does_not_acknowledge_is_told_again_and_then_the_next_one_too():
    contact("ops", escalates_to="boss")
    contact("boss")
    rule(until_acknowledged=True)
    opened("nobody")
    noticing.tell()
    noticing.tell()
    assert len(sent()) == 1, "not before its pause is over"
    for _ in range(policy.ESCALATES_AFTER):
        later(seconds=1)
        noticing.tell()
    told = [to for to, _, _ in sent()]
    assert told.count("ops@example.org") == policy.ESCALATES_AFTER + 1
    assert told.count("boss@example.org") >= 1
    assert told[: policy.ESCALATES_AFTER] == ["ops@example.org"] * policy.ESCALATES_AFTER


def test_who_has_it_ends_it_for_everybody():
    contact("ops", escalates_to="boss")
    contact("boss")
    rule(until_acknowledged=True)
    opened("nobody")
    for _ in range(policy.ESCALATES_AFTER):
        noticing.tell()
        later(seconds=1)
    before = len(sent())
    first = Notice.objects.get(to="ops")
    assert noticing.acknowledge(notice=first.pk, person="boss")
    assert not noticing.acknowledge(notice=first.pk, person="ops")
    later(seconds=1)
    noticing.tell()
    assert len(sent()) == before
    assert set(Notice.objects.values_list("acknowledged_by", flat=True)) == {"boss"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_pending WHERE kind = 'person.acknowledged'")
        assert cursor.fetchone() == (1,)


def test_a_ticket_that_is_over_is_told_no_more():
    contact()
    rule(until_acknowledged=True)
    ref = opened("nobody")
    noticing.tell()
    embedded.Writer().move(
        uuid4(), ref, "ev_resolve", {"solution": "x"}, Note("x", "otto", "person"), OPERATOR
    )
    later(seconds=1)
    noticing.tell()
    later(seconds=1)
    noticing.tell()
    assert len([one for one in sent() if one[0] == "ops@example.org"]) == 1


def test_quiet_hours_hold_what_is_not_grave_and_p1_pierces_them():
    contact(zone="Europe/Berlin", quiet_from=time(22), quiet_to=time(7))
    rule(until_acknowledged=True)
    with time_machine.travel("2026-03-28T23:30:00Z", tick=True):
        calm = opened("nobody")
        noticing.tell()
        assert sent() == []
        assert Notice.objects.get(ticket_ref=calm).next_at.isoformat() == (
            # Seven o'clock of the summer that begins in this night.
            "2026-03-29T05:00:00+00:00"
        )
        grave = opened("nobody", 1, 1)
        noticing.tell()
    assert [title for _, title, _ in sent()] == [f"P1 [{grave}] opened: It hangs"]


# ---------------------------------------------------------------- what the desk itself tells

NIGHT = "2026-03-28T23:30:00Z"
MORNING = "2026-03-29T05:00:00+00:00"
"""Seven o'clock in Berlin, of the summer that begins in this night."""


@pytest.fixture
def sleeper(settings, tmp_path):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text(
        "cis: []\nnotify: {kind: mail, to: ops@example.org, zone: Europe/Berlin,"
        ' quiet: "22:00-07:00"}\n'
    )


def desk_tells(ref, *, rule="escalation", **more):
    notices.tell(
        rule=rule, key=f"{rule}:{ref}", ticket_ref=ref,
        title="It waits for you", text="It hangs.", **more,
    )  # fmt: skip


def in_the_night(ref, **more):
    """Tell twice, as sweeps do, and look for what is due."""
    with time_machine.travel(NIGHT, tick=True):
        desk_tells(ref, **more)
        desk_tells(ref, **more)
        noticing.tell()


def of_desk():
    return [title for _, title, _ in sent() if title == "It waits for you"]


def test_what_the_desk_tells_waits_for_the_end_of_quiet_hours(sleeper):
    ref = opened()
    in_the_night(ref)
    assert of_desk() == []
    held = Notice.objects.get(ticket_ref=ref, rule="escalation")
    assert held.next_at.isoformat() == MORNING


def test_what_was_held_back_is_told_once_in_the_morning(sleeper):
    ref = opened()
    in_the_night(ref)
    later(seconds=1)
    noticing.tell()
    desk_tells(ref)
    noticing.tell()
    assert of_desk() == ["It waits for you"]


def test_what_the_desk_asked_is_over_with_the_ticket(sleeper):
    ref = opened()
    in_the_night(ref)
    embedded.Writer().move(
        uuid4(), ref, "ev_resolve", {"solution": "By itself."},
        Note("By itself.", "otto", "person"), OPERATOR,
    )  # fmt: skip
    later(seconds=1)
    noticing.tell()
    assert of_desk() == []


def test_p1_wakes(sleeper):
    in_the_night(opened("nobody", 1, 1))
    assert of_desk() == ["It waits for you"]


def test_what_pierces_wakes(sleeper):
    in_the_night(opened(), pierces=True)
    assert of_desk() == ["It waits for you"]


def test_what_is_over_before_the_morning_wakes(sleeper):
    in_the_night(opened(), by=datetime.fromisoformat(MORNING))
    assert of_desk() == ["It waits for you"]


def test_what_may_be_answered_in_the_morning_waits(sleeper):
    in_the_night(opened(), by=datetime.fromisoformat(MORNING) + timedelta(hours=2))
    assert of_desk() == []


# ---------------------------------------------------------------- whom the executor believes


def test_mail_goes_to_parties_of_the_ticket_alone():
    ref = opened()
    noticing.tell()
    made = Action.objects.get(verb="notify")

    def claim(**args):
        return type("Claim", (), {"args": {**made.args, **args}, "ticket_ref": ref})

    assert targets.is_party(claim())
    assert not targets.is_party(claim(target="evil@example.org"))
    assert not targets.is_party(claim(kind="http"))


def test_contacts_of_the_desk_are_targets_and_ntfy_is_http():
    contact("n", kind="ntfy", target="https://ntfy.example.org/ops")
    assert ("http", "https://ntfy.example.org/ops") in targets.declared()
    assert targets.shape("https://ntfy.example.org/ops") == "ntfy"
    assert targets.shape("https://elsewhere.example.org/") == "http"


def test_the_site_file_declares_contacts_and_rules(tmp_path):
    from adapters import site

    path = tmp_path / "site.yaml"
    declared = {
        "contacts": [
            {"name": "ops", "kind": "ntfy", "url": "https://ntfy.example.org/ops",
             "zone": "Europe/Berlin", "quiet": "22:00-07:00", "handover": "07:30",
             "escalates_to": "boss"},
            {"name": "boss", "kind": "mail", "to": "boss@example.org"},
        ],
        "notification_rules": [
            {"name": "Grave", "on": "opened", "priorities": ["P1"], "contact": "ops",
             "until_acknowledged": True},
        ],
    }  # fmt: skip
    path.write_text(json.dumps(declared))
    found = site.read(path)
    assert found.faults == ()
    changed = loading.load(found.value.contacts, found.value.notification_rules)
    assert changed == ["contact ops", "contact boss", "notification rule Grave"]
    assert loading.load(found.value.contacts, found.value.notification_rules) == []
    ops = Contact.objects.get(name="ops")
    assert ops.quiet == policy.Quiet("Europe/Berlin", time(22), time(7))
    assert sorted(loading.load([], [])) == sorted(changed)
    assert Rule.objects.filter(declared=False).exists(), "what is the desk's stays"


def test_a_site_file_that_leads_nowhere_says_where(tmp_path):
    from adapters import site

    path = tmp_path / "site.yaml"
    path.write_text(
        "contacts:\n  - {name: ops, kind: mail, to: a@b.org, escalates_to: nobody, zone: Mars}\n"
    )
    assert site.read(path).faults
    path.write_text("contacts:\n  - {name: ops, kind: mail, to: a@b.org, escalates_to: nobody}\n")
    (fault,) = site.read(path).faults
    assert "There is no contact nobody." in str(fault)


# ---------------------------------------------------------------- the morning


def test_the_morning_is_told_once_a_day_by_his_own_clock():
    contact(zone="Asia/Kathmandu", handover_at=time(7))
    with time_machine.travel("2026-03-02T01:10:00Z", tick=True):  # 06:55 there
        assert handover.hand_over() == 0
    with time_machine.travel("2026-03-02T01:20:00Z", tick=True):
        assert [handover.hand_over() for _ in range(3)] == [1, 0, 0]
        noticing.tell()
    with time_machine.travel("2026-03-02T13:20:00Z", tick=True):
        assert handover.hand_over() == 0
    with time_machine.travel("2026-03-03T01:20:00Z", tick=True):
        assert handover.hand_over() == 1
    assert sent()[0][1].startswith("Good morning")


def test_a_start_in_the_evening_is_no_morning():
    contact(handover_at=time(7))
    with time_machine.travel("2026-03-02T20:00:00Z", tick=True):
        assert handover.hand_over() == 0


def test_a_handover_says_what_happened_and_what_waits():
    ref = opened("nobody", 1, 1)
    solved = opened("nobody")
    embedded.Writer().move(
        uuid4(), solved, "ev_resolve", {"solution": "x"}, Note("x", "otto", "person"), OPERATOR
    )
    embedded.Writer().move(uuid4(), ref, "ev_escalate", {}, Note("", "r", "rule"))
    now = timezone.now()
    found = handover.handover(now - timedelta(days=1), now + timedelta(seconds=1))
    said = [one.text for one in found.happened]
    assert "2 incidents opened." in said
    assert "1 resolved by people." in said
    assert f"P1 {ref}: It hangs" in said
    assert [one.ref for one in found.waits] == [ref]
    assert found.did == ()
    assert f"P1 {ref} escalated: It hangs" in handover.text(found)
