"""What waits for a person has a life of its own, and rests on what is so when he decides."""

import hashlib
import json

import pytest

from personas.approvals import doors
from tests.integration.personas.approvals.test_approving import rewind, swept

NIGHT = 5.5 * 3600
"""From two o'clock until half past seven."""


def probe(house, *, symptom="refused", firing=True, age_s=1, name="web-http"):
    """The CI's probe, as it was seen so long ago."""
    owner = house.as_role("owner")
    owner.execute(
        "INSERT INTO monitoring_probe (name, ci_ref, kind, interval_s, bad_after, good_after,"
        " alertname, severity) VALUES (%s, 'web-01', 'http', 5, 2, 2, 'WebDown', 'critical')"
        " ON CONFLICT DO NOTHING",
        [name],
    )
    owner.execute(
        "INSERT INTO monitoring_alertstate (probe_id, status, symptom, last_symptom,"
        " last_sample_at) VALUES (%(name)s, %(status)s, %(of)s, %(symptom)s, %(at)s)"
        " ON CONFLICT (probe_id) DO UPDATE SET status = excluded.status,"
        " last_symptom = excluded.last_symptom, last_sample_at = excluded.last_sample_at".replace(
            "%(at)s", "now() - make_interval(secs => %(age)s)"
        ),
        {
            "name": name, "status": "firing" if firing else "resolved", "of": "refused",
            "symptom": symptom, "age": age_s,
        },
    )  # fmt: skip


def heal(house):
    probe(house, symptom="ok", firing=False)


def pass_(house, seconds):
    """Let time go by for a run, and for what it has proposed."""
    house.as_role("owner").execute(
        "UPDATE personas_run SET deadline = deadline - make_interval(secs => %(s)s),"
        " held_at = held_at - make_interval(secs => %(s)s)",
        {"s": seconds},
    )
    rewind(
        house,
        f"proposed_at = proposed_at - make_interval(secs => {seconds}),"
        f" expires_at = expires_at - make_interval(secs => {seconds})",
    )


def state(house):
    return house.value("app", "SELECT state FROM personas_run")


def reconcile(house):
    house.value("app", "SELECT count(*) FROM gate.reconcile()")


@pytest.fixture
def waiting(house):
    """A proposal about a CI that is ill."""
    probe(house)
    return house.proposal()["action_id"]


# ---------------------------------------------------------------- how long it waits
CLASSES = {
    "standard": ("low", "P3", 86_400),
    "normal": ("high", "P3", 259_200),
    "emergency": ("high", "P1", 28_800),
}


@pytest.mark.parametrize(("risk", "priority", "seconds"), CLASSES.values(), ids=CLASSES)
def test_it_waits_as_long_as_its_class_says(house, risk, priority, seconds):
    house.risk(risk)
    house.as_role("owner").execute(
        "INSERT INTO tickets_ticket (ref, ticket_class, title, state, priority, impact, urgency)"
        " VALUES ('INC-1', 'incident', 't', 'assigned', %s, 2, 2)",
        [priority],
    )
    found = house.approval(house.proposal(ticket="INC-1")["action_id"])
    assert (found["expires_at"] - found["proposed_at"]).total_seconds() == seconds


def test_the_site_says_how_long(house):
    house.as_role("owner").execute("UPDATE approvals_profile SET standard_s = 600")
    found = house.approval(house.proposal()["action_id"])
    assert (found["expires_at"] - found["proposed_at"]).total_seconds() == 600


def test_what_is_asked_at_night_is_answered_in_the_morning_and_done(house, waiting):
    pass_(house, NIGHT)
    reconcile(house)
    assert (state(house), swept(house, waiting)) == ("parked", "waiting")
    probe(house)
    assert house.approve(waiting) == "ok"
    house.record()
    assert house.settle(house.claim()) == "settled"
    assert house.step()["number"] == 2


# ---------------------------------------------------------------- the run that waits for it
def test_the_run_is_parked(house, waiting):
    row = house.one("app", "SELECT state, why FROM personas_run")
    assert (row["state"], row["why"]) == ("parked", "waits for a person")


def test_a_parked_run_has_no_place(house, waiting):
    house.as_role("owner").execute(
        "UPDATE personas_card SET limits = limits || '{\"max_concurrent\": 1}'"
    )
    house.run("db-01")
    assert house.step()["run_id"] is not None


def test_its_time_stands_still(house, waiting):
    before = house.one("app", "SELECT deadline - held_at AS left FROM personas_run")["left"]
    pass_(house, NIGHT)
    house.reject(waiting)
    after = house.one("app", "SELECT deadline - now() AS left FROM personas_run")["left"]
    assert abs((before - after).total_seconds()) < 5


def test_it_waits_for_its_other_actions_first(house):
    house.run("web-01")
    step = house.step()
    ticket = step["ticket_ref"]
    house.propose(step, "ticket.comment", "", ticket, key="said", text="x")
    house.propose(step, "playbook.run", "restart", "web-01", key="asked")
    house.finish(step)
    assert state(house) == "waiting"
    house.record()
    house.settle(house.claim("executor.light"))
    assert state(house) == "parked"


def test_that_it_was_parked_and_goes_on_is_on_record(house, waiting):
    house.reject(waiting)
    moves = [(e["body"]["from_state"], e["body"]["state"]) for e in house.entries("run.state")]
    assert moves == [("waiting", "parked"), ("parked", "pending")]


def test_a_run_that_may_be_objected_to_is_parked_until_it_was_done(house):
    house.level("veto")
    house.proposal()
    assert state(house) == "parked"


@pytest.mark.parametrize(("act", "becomes"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_person_may_steer_a_parked_run(house, waiting, act, becomes):
    run = house.value("app", "SELECT id FROM personas_run")
    said = house.one("app", "SELECT * FROM gate.control_run(%s, %s, 'ada', 'x')", run, act)
    assert said["state"] == becomes


def test_one_that_was_paused_and_goes_on_is_parked_again(house, waiting):
    run = house.value("app", "SELECT id FROM personas_run")
    for act in ("pause", "resume"):
        house.one("app", "SELECT * FROM gate.control_run(%s, %s, 'ada', 'x')", run, act)
    assert state(house) == "parked"


# ---------------------------------------------------------------- looked at again
def test_what_has_healed_by_itself_is_not_approved(house, waiting):
    heal(house)
    assert house.approve(waiting) == "approvals.healed"


def test_what_has_healed_by_itself_is_void_and_told(house, waiting):
    heal(house)
    assert swept(house, waiting) == "void"
    assert house.entries("approval.ended")[-1]["body"]["why"] == "web-01 is well by itself by now"
    assert house.step()["history"][-1]["result"]["approval"] == "void"


def test_what_healed_after_it_was_approved_is_not_done(house, waiting):
    house.approve(waiting)
    house.record()
    heal(house)
    assert house.claim() is None
    reconcile(house)
    assert house.action(waiting)["result"]["said"] == "web-01 is well by itself by now"
    assert swept(house, waiting) == "void"


def test_what_healed_after_it_was_claimed_is_told_to_who_acts(house, waiting):
    house.approve(waiting)
    house.record()
    house.claim()
    heal(house)
    assert not house.value("executor", "SELECT gate.approval_stands(%s)", waiting)


def test_one_good_look_while_its_alert_fires_is_no_healing(house, waiting):
    probe(house, symptom="ok", firing=True)
    assert house.approve(waiting) == "ok"


def test_what_was_proposed_for_a_ci_that_is_well_is_not_void_for_that(house):
    heal(house)
    assert house.approve(house.proposal()["action_id"]) == "ok"


def test_on_an_old_look_nothing_is_approved(house, waiting):
    probe(house, age_s=26)
    assert house.approve(waiting) == "approvals.unseen"


def test_on_an_old_look_nothing_is_done(house, waiting):
    house.approve(waiting)
    house.record()
    probe(house, age_s=26)
    assert house.claim() is None
    probe(house)
    assert house.claim() is not None


def test_an_old_good_look_is_no_healing(house, waiting):
    probe(house, symptom="ok", firing=False, age_s=26)
    assert swept(house, waiting) == "waiting"


@pytest.mark.parametrize("approved", [False, True])
def test_when_all_its_alerts_have_ended_it_is_void(house, approved):
    action = house.proposal(ticket="INC-9")["action_id"]
    if approved:
        house.approve(action)
    assert house.value("app", "SELECT gate.alert_ended('INC-9')") == 1
    assert (house.approval(action)["state"], house.action(action)["outcome"]) == ("void", "void")


# ---------------------------------------------------------------- shown again
def test_what_is_to_be_read_now_is_what_was_shown_while_nothing_changed(house, waiting, clean_db):
    now = doors.shown_now(waiting)
    assert (now.sha256, now.changed) == (house.approval(waiting)["shown_sha256"], ())


def test_who_read_it_before_something_changed_has_to_read_it_again(house, waiting):
    before = house.shown(waiting)
    house.as_role("owner").execute(
        "INSERT INTO cmdb_host (name, connection, source) VALUES ('h', 'local', 'test')"
    )
    other = house.proposal(ci="web-01", ticket="INC-2")["action_id"]
    assert house.approve(waiting, shown=before) == "approvals.not_shown"
    assert other != waiting
    assert house.approve(waiting) == "ok"


def test_what_he_was_shown_in_the_end_is_kept_and_recorded(house, waiting):
    house.proposal(ci="web-01", ticket="INC-2")
    house.approve(waiting)
    row = house.approval(waiting)
    said = house.entries("person.approved")[-1]["body"]
    assert row["confirmed_sha256"] != row["shown_sha256"]
    assert hashlib.sha256(row["confirmed"].encode()).hexdigest() == row["confirmed_sha256"]
    assert said["confirmed_sha256"] == row["confirmed_sha256"]
    assert json.loads(row["confirmed"])["planned"]


def test_what_was_confirmed_stays(house, waiting):
    house.approve(waiting)
    with pytest.raises(Exception, match="what was decided does not change"):
        house.as_role("owner").execute("UPDATE approvals_approval SET confirmed = '{}'")
