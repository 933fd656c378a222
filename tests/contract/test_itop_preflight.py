"""An iTop is looked at as it is: what will not work is named, and nothing is written to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from adapters.tickets.itop import desk, preflight
from adapters.tickets.itop.client import Client
from adapters.tickets.itop.findings import Declared, Finding
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.preflight import Look, of_site, offset
from adapters.tickets.itop.session import session
from adapters.tickets.port import TicketDraft
from tests.doubles.itop.console import Console
from tests.doubles.itop.house import House, housed
from tests.doubles.itop.server import TOKEN, served

pytestmark = pytest.mark.django_db
DRAFT = TicketDraft("incident", "Shop is down", "It hangs.", 1, 2, "intake", "rule")
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    """A fake iTop whose service levels and cron are well."""
    itop = Console()
    with housed(itop) as one:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": one.settings()}
        ran = timezone.now().strftime("%Y-%m-%d %H:%M:%S")
        itop.add("BackgroundTask", class_name="CheckStopWatchThresholds", latest_run_date=ran)
        contract = itop.add("CustomerContract", org_id=one.org)
        sla = itop.add("SLA", name="Gold")
        itop.add("lnkCustomerContractToService", customercontract_id=contract, sla_id=sla)
        for kind in ("incident", "service_request"):
            for metric in ("tto", "ttr"):
                for n in "1234":
                    slt = itop.add("SLT", request_type=kind, metric=metric, priority=n)
                    itop.add("lnkSLAToSLT", sla_id=sla, slt_id=slt)
        yield one


def console(house: House) -> Console:
    assert isinstance(house.itop, Console)
    return house.itop


SERVED: Declared = {
    ("Incident", "create"): frozenset({"service_id"}),
    ("UserRequest", "create"): frozenset({"service_id"}),
}


def found(
    house: House, *, above: Client | None = None, declared: Declared = SERVED
) -> list[Finding]:
    del house
    return list(of_site(Look(session(), above, declared)))


def grave(findings: list[Finding]) -> dict[str, str]:
    return {one.topic: one.what for one in findings if one.severity != "note"}


def test_a_site_as_it_should_be_has_no_finding_and_is_not_written_to(house: House) -> None:
    assert grave(found(house)) == {}
    asked = [call for call in house.itop.calls if call["operation"] != "core/get"]
    assert {call["key"] for call in asked} == {0}
    assert not any(one.topic == "attribute" for one in found(house))


def test_a_token_that_is_none_is_the_one_finding(house: House, settings: Any) -> None:
    settings.ADAPTERS = {**settings.ADAPTERS, "tickets": house.settings(token="another")}
    (one,) = found(house)
    assert (one.severity, one.topic) == ("error", "login")
    assert "REST Services User" in one.mend


def test_who_we_are_is_looked_for(house: House, settings: Any) -> None:
    settings.ADAPTERS = {**settings.ADAPTERS, "tickets": house.settings(org="Nowhere")}
    assert "ETHOPS_ITOP_ORG" in grave(found(house))["who we are"]


def test_a_person_without_a_team_takes_nothing(house: House) -> None:
    console(house).hidden = {one["id"] for one in house.objects("lnkPersonToTeam")}
    assert "in no team" in grave(found(house))["who we are"]


def test_a_hidden_organization_is_no_place_for_tickets(house: House, settings: Any) -> None:
    settings.ADAPTERS = {**settings.ADAPTERS, "tickets": house.settings(org=str(house.org))}
    console(house).hidden = {house.org}
    assert "hidden from us" in grave(found(house))["who we are"]


def test_a_class_that_we_may_not_read_is_named(house: House) -> None:
    console(house).denied = {"NormalChange"}
    wrong = [one for one in found(house) if one.severity == "error"]
    assert {(one.topic, one.where) for one in wrong} == {
        ("class", "NormalChange"), ("right", "NormalChange"),
    }  # fmt: skip


def test_a_class_that_we_may_not_write_is_named_with_the_profile_that_may(house: House) -> None:
    console(house).read_only = {"Problem"}
    (one,) = [one for one in found(house) if one.severity == "error"]
    assert (one.topic, one.where) == ("right", "Problem")
    assert one.mend == "Give our user the profile Problem Manager."


def test_an_administrator_sees_whether_cron_runs(house: House) -> None:
    console(house).denied = {"BackgroundTask"}
    assert [one.severity for one in found(house) if one.topic == "cron"] == ["note"]
    with served(Console(objects=house.itop.objects)) as itop:
        above = found(house, above=Client(itop.address, TOKEN))
    assert [one for one in above if one.topic == "cron"] == []


def test_attributes_of_the_sites_own_are_named_until_they_are_declared(house: House) -> None:
    console(house).attributes = ("id", "ref", "cost_center", "org_id_friendlyname", "tto_75_passed")
    told = {one.where: one.what for one in found(house) if one.topic == "attribute"}
    assert "own: cost_center." in told["Incident"]
    declared = {**SERVED, ("Incident", "resolved"): frozenset({"cost_center"})}
    assert "Incident" not in {
        one.where for one in found(house, declared=declared) if one.topic == "attribute"
    }


def test_tickets_in_states_of_the_sites_own_are_counted(house: House) -> None:
    house.itop.add("Incident", status="waiting_vendor")
    house.itop.add("Incident", status="new")
    assert grave(found(house))["state"].startswith("1 are in states of this site's own: waiting")


def test_organizations_that_we_do_not_see_are_named_by_who_does(house: House) -> None:
    hidden = house.itop.add("Organization", name="Subsidiary", friendlyname="Subsidiary")
    console(house).hidden = {hidden}
    whole = Console(objects=house.itop.objects)
    with served(whole) as itop:
        findings = found(house, above=Client(itop.address, TOKEN))
    (one,) = [one for one in findings if one.topic == "organizations"]
    assert (one.severity, one.where) == ("warning", "Subsidiary")


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("CustomerContract", "no customer contract"),
        ("lnkCustomerContractToService", "has an SLA"),
        ("lnkSLAToSLT", "No SLT of our SLAs is for priority 1, 2, 3, 4"),
    ],
)
def test_a_gap_between_an_organization_and_its_deadlines(
    house: House, gone: str, says: str
) -> None:
    for number in [one["id"] for one in house.itop.objects.values() if one["finalclass"] == gone]:
        del house.itop.objects[number]
    assert says in grave(found(house))["service levels"]


def test_what_is_opened_without_a_service_has_no_deadline(house: House) -> None:
    where = {one.where for one in found(house, declared={}) if one.topic == "service levels"}
    assert where == {"Incident", "UserRequest"}


def test_what_is_not_for_us_to_see_hides_nothing_else(house: House) -> None:
    console(house).denied = {"CustomerContract", "BackgroundTask"}
    house.itop.add("Incident", status="waiting_vendor")
    findings = found(house)
    assert {one.topic for one in findings if "see" in one.what} >= {"service levels", "cron"}
    assert "state" in grave(findings)


def test_a_dead_cron_is_an_error(house: House) -> None:
    house.object("BackgroundTask")["latest_run_date"] = "2026-01-01 00:00:00"
    assert "asynchronous callback" in grave(found(house))["cron"]


def test_a_clock_of_another_zone_is_an_error(house: House) -> None:
    for _ in range(preflight.ENOUGH):
        ref = desk.Writer().open(uuid4(), DRAFT).ref
        wrote = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
        seen = Mirrored.objects.filter(ticket_id=ref)
        seen.update(updated_there=wrote, noticed_at=timezone.now())
    said = grave(found(house))["clock"]
    assert said.startswith("Read as of UTC, its clock is 1 h ahead")


def pairs(*late_s: float) -> list[tuple[datetime, datetime]]:
    return [(AT, AT + timedelta(seconds=late)) for late in late_s]


@pytest.mark.parametrize(
    ("late_s", "hours"),
    [
        ((1, 8, 15), 0),
        ((-3599, -3590, -3585), 1),
        ((7202, 7210, 7215, 90_000), -2),
        ((-19_795, -19_790, -19_780), 5.5),
    ],
)
def test_how_far_a_clock_is_ahead(late_s: tuple[float, ...], hours: float) -> None:
    assert offset(pairs(*late_s)) == timedelta(hours=hours)


@pytest.mark.parametrize("late_s", [(), (3600, 3601), (100, 4000, 9000), (400, 401, 402)])
def test_too_little_tells_nothing(late_s: tuple[float, ...]) -> None:
    assert offset(pairs(*late_s)) is None
