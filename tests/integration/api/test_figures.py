"""Figures of ITIL: over the API, on their page and for Prometheus, from what was done."""

from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from adapters.tickets.port import ChangeDraft, TicketDraft, TicketFields, Vouched
from ethops.api import itil_metrics
from ethops.desk import restorations
from ethops.executor import tickets
from tests.doubles.older import older as done_before
from tests.integration.api.conftest import api_of
from tests.integration.api.scene import alert

OPERATOR = Vouched(frozenset({"operator"}))


def figures(api, **asked):
    answer = api.get("/api/v1/metrics/itil", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def move(ref, stimulus, **fields):
    said = cast("TicketFields", fields)
    tickets.move_by_person(
        key=uuid4(), ref=ref, person="ada", stimulus=stimulus, fields=said, vouched=OPERATOR
    )


def well(scene):
    """Let the one probe of web-01 have been well since three minutes after the first bad sample.

    Not for so long until now: what a test takes to come here is no part of a repair.
    """
    scene.one(
        "owner",
        "INSERT INTO monitoring_probe (name, ci_ref, kind, interval_s, bad_after, good_after,"
        " alertname, severity) VALUES ('web', 'web-01', 'http', 5, 2, 2, 'WebHangs', 'critical')",
    )
    scene.one(
        "owner",
        "INSERT INTO monitoring_alertstate (probe_id, good_since, last_sample_at)"
        " SELECT 'web', min(first_bad_at) + interval '180 s', now() FROM tickets_ticket",
    )


def older(scene, seconds):
    """Let what the run has done be so much older, and the incident have begun before that."""
    scene.one("owner", "UPDATE personas_action SET settled_at = settled_at - %s * interval '1 s',"
              " decided_at = decided_at - %s * interval '1 s'", seconds, seconds)  # fmt: skip
    scene.one("owner", "UPDATE audit_work SET claimed_at = claimed_at - %s * interval '1 s'",
              seconds)  # fmt: skip
    scene.one(
        "owner",
        "UPDATE tickets_ticket SET opened_at = opened_at - %s * interval '1 s',"
        " first_bad_at = opened_at - (%s + 20) * interval '1 s'",
        seconds + 60, seconds + 60,
    )  # fmt: skip


@pytest.fixture
def mended(scene):
    """The scene's incident, mended by its agent's restart and seen well since."""
    older(scene, 200)
    well(scene)
    assert restorations.watch() == 1
    move(scene.ticket, "ev_resolve", solution="Restarted.")
    return scene.ticket


def test_a_repair_of_an_agent_counts_from_the_first_bad_sample(api, mended):
    said = figures(api)
    assert said["detect"]["mean_s"] == pytest.approx(20, abs=3)
    assert said["repair"]["agent"]["mean_s"] == pytest.approx(180, abs=5)
    assert said["repair"]["person"] is None
    assert said["counts"]["by_agent"] == 1


def test_what_healed_alone_is_in_no_figure_of_repair(api, scene):
    scene.one("owner", "UPDATE personas_action SET outcome = 'failed' WHERE outcome = 'done'")
    older(scene, 200)
    well(scene)
    restorations.watch()
    move(scene.ticket, "ev_resolve", solution="It is well.")
    said = figures(api)
    assert said["repair"] == {"agent": None, "person": None, "all": None}
    assert said["healed_alone"]["count"] == 1


def test_who_took_it_before_it_was_well_has_mended_it(api, scene):
    move(scene.ticket, "ev_assign", team="people", assignee="ada")
    older(scene, 200)
    scene.one("owner", "SELECT 1")
    done_before(scene.links["owner"], scene.ticket, timedelta(seconds=150))
    well(scene)
    restorations.watch()
    assert figures(api)["repair"]["person"]["count"] == 1


def test_a_resolution_of_today_is_too_young_to_be_called_lasting(api, mended):
    said = figures(api)
    assert said["reopened"]["agent"] == {"good": 0, "of": 0, "too_soon": 1, "share": None}


def test_the_number_of_queries_does_not_grow_with_the_rows(api, scene):
    def queries():
        with CaptureQueriesContext(connection) as caught:
            figures(api)
        return len(caught)

    few = queries()
    for number in range(4):
        move(scene.incident(alert(f"Other{number}", "db-01")), "ev_resolve", solution="s")
    assert queries() == few


@pytest.mark.parametrize("asked", [{"days": "0"}, {"days": "x"}, {"days": "367"}, {"day": "3"}])
def test_what_is_no_period_is_refused(api, asked):
    answer = api.get("/api/v1/metrics/itil", asked)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_strangers_see_none_of_it(cy):
    assert api_of(cy).get("/api/v1/metrics/itil").status_code == 403


def test_the_page_says_the_same_as_the_api(desk, api, mended):
    page = desk.get("/figures/").content.decode()
    assert "Repaired (MTTR)" in page
    assert "3\u202fmin" in page


@pytest.mark.parametrize("asked", ["?days=7", "?days=nonsense", "?days=-1", ""])
def test_the_page_bears_any_period(desk, scene, asked):
    assert desk.get(f"/figures/{asked}").status_code == 200


def test_prometheus_reads_the_same(api, mended):
    itil_metrics.ITIL.last = None
    text = api.get("/api/v1/metrics").content.decode()
    assert 'ethops_itil_incidents{by="agent"} 1.0' in text
    assert 'ethops_itil_repair_seconds{by="agent",figure="mean"}' in text


def changed(scene, *, long_ago: bool = True):
    """A standard change of web-01 by a person, whose time is over; returns its ref."""
    deed = tickets.open_by_person(
        key=uuid4(),
        draft=TicketDraft(
            "change", "New disk", "", 3, 3, "ada", "person", ci_refs=("web-01",),
            change=ChangeDraft("standard", "it is full"),
        ),
        vouched=OPERATOR,
    )  # fmt: skip
    move(deed.ref, "ev_assign", team="people")
    moment = timezone.now() - timedelta(days=4)
    move(
        deed.ref, "ev_plan", planned_start=moment, planned_end=moment + timedelta(seconds=1),
        implementer="ada", backout="the old one",
    )  # fmt: skip
    move(deed.ref, "ev_implement")
    move(deed.ref, "ev_finish", solution="done")
    if long_ago:
        done_before(scene.links["owner"], deed.ref, timedelta(days=3))
    return deed.ref


@pytest.mark.parametrize(
    ("hours", "good"), [(None, 1), (71, 0), (1, 1)], ids=["none", "within its time", "after it"]
)
def test_a_change_that_an_incident_follows_is_no_success(api, scene, hours, good):
    scene.one("owner", "UPDATE tickets_ticket SET opened_at = now() - interval '20 days'")
    changed(scene)
    if hours is not None:
        # Another cause on the same CI, as somebody files it: alerts of one CI may be one incident.
        draft = TicketDraft(
            "incident", "Later", "", 2, 2, "intake", "rule", ci_refs=("web-01",), cause_key="later"
        )
        ref = tickets.open_incident(key=uuid4(), draft=draft, facts={}).ref
        scene.one(
            "owner",
            "UPDATE tickets_ticket SET opened_at = now() - %s * interval '1 hour' WHERE ref = %s",
            hours, ref,
        )  # fmt: skip
    assert figures(api)["changes"]["person"] == {
        "good": good, "of": 1, "too_soon": 0, "share": float(good),
    }  # fmt: skip


def test_a_change_of_today_is_too_young_to_be_called_a_success(api, scene):
    changed(scene, long_ago=False)
    assert figures(api)["changes"]["person"]["too_soon"] == 1
