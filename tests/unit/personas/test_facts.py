"""What a step knows, as facts: pure, so every moment can be tried."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.monitoring.port import Sample
from personas.runtime.facts import Entry, candidates, facts, probes_look_first
from tests.unit.personas.known import KNOWN, NOW, PROBE, SHOP


def seen(**changed):
    return facts(replace(KNOWN, **changed), "diagnose")


def samples(marks):
    return tuple(
        Sample("shop-page", NOW + timedelta(seconds=n), mark == "g", "ok", None, "", "")
        for n, mark in enumerate(marks)
    )


@pytest.mark.parametrize(
    ("until", "inside"),
    [
        ("2026-03-01T12:30:00+00:00", True),
        ("2026-03-01T12:30:00", True),
        ("2026-03-01T11:30:00Z", False),
        ("soon", True),
        (7, True),
    ],
)
def test_a_declared_maintenance_counts_until_it_is_over(until, inside):
    ci = replace(SHOP, attributes={"maintenance_until": until})
    assert seen(ci=ci)["ci.maintenance"] is inside


def test_without_a_declaration_there_is_no_maintenance():
    assert seen()["ci.maintenance"] is False


@pytest.mark.parametrize(("host", "differs"), [("web-2", True), ("web-1", False)])
def test_a_declared_host_in_the_alert_is_compared(host, differs):
    assert seen(named_host=host)["alert.names_other_host"] is differs


def test_a_name_that_is_no_declared_host_says_nothing():
    assert "alert.names_other_host" not in seen()


@pytest.mark.parametrize(("age", "stale"), [(39, False), (41, True)])
def test_a_probe_that_misses_three_turns_has_gone_silent(age, stale):
    probe = replace(PROBE, last_sample_at=NOW - timedelta(seconds=age))
    assert seen(probes=(probe,))["probe.stale"] is stale


def test_a_probe_before_its_first_sample_is_not_silent():
    assert seen(probes=(replace(PROBE, last_sample_at=None),))["probe.stale"] is False


GOOD = replace(PROBE, symptom="ok", last_sample_at=NOW - timedelta(seconds=5))
TOLD = replace(
    KNOWN, probes=(GOOD,), well_since=NOW - timedelta(hours=1), opened_at=NOW - timedelta(seconds=4)
)


def test_what_was_seen_before_the_trouble_was_told_is_looked_at_again():
    assert probes_look_first(TOLD)


@pytest.mark.parametrize(
    "known",
    [
        replace(TOLD, probes=(replace(GOOD, last_sample_at=NOW - timedelta(seconds=3)),)),
        replace(TOLD, well_since=None),
        replace(TOLD, probes=()),
        replace(TOLD, opened_at=None),
        replace(TOLD, now=NOW + timedelta(seconds=26)),
    ],
    ids=["looked since", "one is bad or silent", "no probe", "no ticket", "patience is over"],
)
def test_nothing_else_is_waited_for(known):
    assert not probes_look_first(known)


@pytest.mark.parametrize(("age", "waits"), [(39, False), (41, True), (69, True), (71, False)])
def test_a_probe_that_has_just_gone_silent_is_waited_for(age, waits):
    probe = replace(PROBE, last_sample_at=NOW - timedelta(seconds=age))
    assert probes_look_first(replace(KNOWN, probes=(probe,))) is waits


@pytest.mark.parametrize(("marks", "turns"), [("", 0), ("ggg", 0), ("gbg", 2), ("bgbbgb", 4)])
def test_turns_are_counted(marks, turns):
    assert seen(samples=samples(marks))["probe.turns"] == turns


@pytest.mark.parametrize(
    ("alert", "probe", "agrees"),
    [
        ("refused", "refused", True),
        ("no_answer", "refused", True),
        ("no_answer", "slow", False),
        ("over_threshold", "refused", False),
        ("nonsense", "refused", False),
    ],
)
def test_symptoms_of_one_trouble_agree(alert, probe, agrees):
    found = seen(alert={"symptom": alert}, probes=(replace(PROBE, symptom=probe),))
    assert found["probe.agrees"] is agrees


@pytest.mark.parametrize(
    ("alert", "probe"), [("", "refused"), ("refused", "ok"), ("refused", None)]
)
def test_where_one_says_nothing_there_is_nothing_to_agree_on(alert, probe):
    found = seen(alert={"symptom": alert}, probes=(replace(PROBE, symptom=probe),))
    assert "probe.agrees" not in found


def test_the_first_bad_probe_is_the_one_that_is_told_of():
    good = replace(PROBE, name="a", symptom="ok")
    assert seen(probes=(good, PROBE))["probe.name"] == "shop-page"


def test_an_alert_cannot_speak_for_the_join():
    forged = {"join": "joined", "names_other_host": False}
    found = seen(alert=forged, joined="none", named_host="web-2")
    assert (found["alert.join"], found["alert.names_other_host"]) == ("none", True)


def test_after_an_action_wellness_counts_from_its_end():
    play = {
        "run": "run", "verb": "playbook.run", "entry": "restart_service", "target": "shop",
        "verdict": "authorised", "outcome": "done", "in_doubt": False, "reason": "",
        "settled_at": (NOW - timedelta(seconds=3)).isoformat(), "result": {},
    }  # fmt: skip
    known = replace(
        KNOWN,
        history=(play,),
        well_since=NOW - timedelta(hours=1),
        entries=(Entry("restart_service", "Restart", 5, 45),),
    )
    found = facts(known, "verify")
    assert (found["probe.well_seconds"], found["waited_seconds"]) == (3, 3)


def test_a_major_incident_is_given_to_no_responders():
    known = replace(KNOWN, is_major=True)
    assert [one.id for one in candidates(known, "triage")] == ["escalate"]


def test_an_incident_that_is_none_may_be_given_to_responders():
    assert len(candidates(KNOWN, "triage")) > 1
