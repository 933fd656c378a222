"""Many alerts at once: what hangs together is one incident, its root first, and none is lost."""

import random

import pytest

from ethops.desk import dispatch, policy, storms
from ethops.desk.models import Event, Storm
from tests.integration.desk import alerts
from tests.integration.desk.alerts import end, fire, lines, newest, numbers, resolve, ticket
from tests.integration.desk.test_maintenance import declare
from tests.unit.desk import cluster


@pytest.fixture(autouse=True)
def _room(clean_db, role):
    """A machine room that the CMDB knows."""
    cis = [(ci.ref, ci.ci_class, dict(ci.attributes)) for ci in cluster.cis()]
    alerts.site(role("owner"), *cis, ("lone-disk", "filesystem", {"runs_on": "node-9"}))


@pytest.fixture
def owner(role):
    """The owner's connection."""
    return role("owner")


def calm(owner) -> None:
    """Let the settle time pass."""
    owner.execute("UPDATE public.desk_event SET at = at - interval '61 seconds'")
    owner.execute("UPDATE public.desk_storm SET began_at = began_at - interval '61 seconds'")


def storm() -> str:
    """The incident of the one storm."""
    return Storm.objects.get().ticket_ref


def cut(seed: int = 1) -> list[dict]:
    """The power fails: everything that stands on it is heard of, in any order."""
    made = [alerts.alert("UpsOnBattery", ci="ups-1"), alerts.alert("PduDown", ci="pdu-1")]
    made += [alerts.alert("SwitchDown", ci="switch-1")]
    for ci in cluster.cis():
        if ci.ci_class == "server":
            made += [alerts.alert(n, ci=ci.ref) for n in ("HostDown", "TargetDown", "NoMetrics")]
        elif ci.ci_class == "web_service":
            made += [alerts.alert(n, ci=ci.ref) for n in ("PageNotWell", "Slow", "NoTraffic")]
    random.Random(seed).shuffle(made)  # noqa: S311 - no secret
    return made


def test_seven_causes_are_no_storm():
    for n in range(1, 8):
        fire("PageNotWell", ci=f"app-{n}-1")
    assert not Storm.objects.exists()


def test_the_eighth_that_hangs_together_makes_one():
    for n in range(1, 8):
        fire("PageNotWell", ci=f"app-{n}-1")
    fire("PageNotWell", ci="app-1-2")
    assert newest().ticket_ref == storm()


def test_what_only_happens_at_the_same_time_makes_none():
    for n in range(12):
        fire(f"Odd{n}", instance=f"host-{n}")
    assert not Storm.objects.exists()
    assert len(alerts.opened()) == 12


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_power_cut_is_one_incident_with_its_root_first(owner, seed):
    made = cut(seed)
    for one in made:
        alerts.take_in(one)
    calm(owner)
    storms.watch()
    assert ticket(storm()).title.startswith("ups-1 (power) may be the root:")
    great = [one for one in alerts.opened() if not one.parent_ref]
    assert [one.ref for one in great] == [storm()]
    assert Event.objects.filter(status="firing").exclude(ticket_ref="").count() == len(made)
    assert f": {len(made)} alerts at" in ticket(storm()).title


def test_its_first_line_says_where_to_look_before_it_has_settled():
    made = cut()
    for one in made[:20]:
        alerts.take_in(one)
    said = lines(storm())
    assert any("Look first at" in line and "More may come" in line for line in said)


def test_a_person_is_told_by_the_dispatcher():
    for one in cut()[:20]:
        alerts.take_in(one)
    assert (ticket(storm()).state, ticket(storm()).team, ticket(storm()).priority) == (
        *("escalated", "people", "P1"),
    )


def test_many_warnings_are_not_as_urgent_as_many_outages():
    for n in range(1, 8):
        fire("CertificateEnds", severity="warning", ci=f"app-{n}-1")
        fire("CertificateEnds", severity="warning", ci=f"app-{n}-2")
    assert ticket(storm()).priority not in {"P1", "P2"}


def test_what_was_opened_before_is_under_it():
    for n in range(1, 8):
        fire("PageNotWell", ci=f"app-{n}-1")
    fire("PageNotWell", ci="app-1-2")
    assert {one.parent_ref for one in alerts.opened() if one.ref != storm()} == {storm()}


def test_no_agent_is_called_for_what_is_under_an_open_one():
    for one in cut()[:20]:
        alerts.take_in(one)
    child = next(one for one in alerts.opened() if one.parent_ref == storm())
    standing = dispatch._standing(child)
    assert policy.next_step(standing) == "nothing"


def test_once_the_great_one_is_settled_what_was_under_it_is_looked_at():
    for one in cut()[:20]:
        alerts.take_in(one)
    resolve(storm())
    dispatch.consider({"ticket": storm(), "why": "ada: ev_resolve"})
    children = [one for one in alerts.opened() if one.parent_ref == storm()]
    found = alerts.sql("SELECT subject FROM audit_work WHERE payload->>'why' LIKE '%is settled'")
    assert sorted(ref for (ref,) in found) == sorted(one.ref for one in children)


def test_what_it_does_not_explain_gets_an_incident_of_its_own(owner):
    for one in cut()[:40]:
        alerts.take_in(one)
    # It says the same as many others, and stands on none of what failed.
    fire("PageNotWell", ci="lone-disk")
    assert newest().ticket_ref == storm()
    calm(owner)
    storms.watch()
    own = Event.objects.get(ci_ref="lone-disk")
    assert own.ticket_ref != storm()
    assert own.ticket_ref in lines(storm())[-1]


def test_what_has_nothing_to_do_with_it_is_opened_at_once():
    for one in cut()[:20]:
        alerts.take_in(one)
    fire("DiskFull", ci="lone-disk")
    assert (newest().decision, newest().ticket_ref != storm()) == ("opened", True)


def test_after_it_has_settled_what_its_root_carries_still_goes_into_it(owner):
    made = cut()
    for one in made:
        alerts.take_in(one)
    calm(owner)
    storms.watch()
    fire("QueueStuck", ci="app-7-6")
    assert newest().ticket_ref == storm()


def test_it_settles_once_and_says_few_lines(owner):
    for one in cut():
        alerts.take_in(one)
        storms.watch()
    calm(owner)
    for _ in range(3):
        storms.watch()
    assert len(lines(storm())) <= 10
    assert sum(line.startswith("Settled.") for line in lines(storm())) == 1


def test_when_all_of_it_has_ended_it_says_so():
    made = cut()[:20]
    for one in made:
        alerts.take_in(one)
    for one in made:
        end(one)
    assert lines(storm())[-1] == "The alert has ended."


def test_a_maintenance_window_keeps_its_alerts_out_of_storms():
    declare(cis=["ups-1"])
    for one in cut()[:30]:
        alerts.take_in(one)
    assert not Storm.objects.exists()


def test_people_change_how_many_make_a_storm():
    numbers(storm_causes=3)
    for n in range(1, 4):
        fire("PageNotWell", ci=f"app-{n}-1")
    assert Storm.objects.count() == 1


# ---------------------------------------------------------------- twos and threes


def test_a_service_goes_into_the_incident_of_its_host():
    fire("HostDown", ci="node-1")
    great = newest().ticket_ref
    fire("PageNotWell", ci="app-1-1")
    assert (newest().decision, newest().ticket_ref) == ("folded", great)


def test_a_host_takes_the_incidents_of_its_services_under_it():
    fire("PageNotWell", ci="app-1-1")
    small = newest().ticket_ref
    fire("HostDown", ci="node-1")
    assert ticket(small).parent_ref == newest().ticket_ref


def test_a_warning_of_a_host_takes_nothing_in():
    fire("DiskFills", severity="warning", ci="node-1")
    fire("PageNotWell", ci="app-1-1")
    assert newest().decision == "opened"


def test_two_troubles_of_one_ci_in_the_same_minutes_are_one_incident():
    fire("HostDown", ci="node-1")
    fire("TargetDown", ci="node-1")
    assert len(alerts.opened()) == 1


def test_an_outage_does_not_hide_in_a_warning():
    fire("DiskFills", severity="warning", ci="node-1")
    fire("HostDown", ci="node-1")
    assert len(alerts.opened()) == 2


def test_minutes_later_it_is_another(owner):
    fire("HostDown", ci="node-1")
    owner.execute("UPDATE public.desk_event SET at = at - interval '301 seconds'")
    fire("PageNotWell", ci="app-1-1")
    assert newest().decision == "opened"


def test_what_outlives_the_incident_that_it_went_into_gets_its_own():
    fire("HostDown", ci="node-1")
    great = newest().ticket_ref
    small = fire("PageNotWell", ci="app-1-1")
    resolve(great)
    alerts.take_in(small)
    event = Event.objects.get(ci_ref="app-1-1")
    assert (event.decision, event.ticket_ref != great) == ("opened", True)


def test_an_incident_with_others_in_it_is_not_over_before_they_are():
    host = fire("HostDown", ci="node-1")
    small = fire("PageNotWell", ci="app-1-1")
    great = newest().ticket_ref
    end(host)
    dispatch.consider({"ticket": great, "why": "alert ended"})
    assert ticket(great).state != "resolved"
    end(small)
    assert lines(great)[-1] == "The alert has ended."
