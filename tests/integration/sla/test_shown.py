"""What people and programs see of a promise: pages, lists, the API and Prometheus."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ethops.sla.models import Target
from ethops.sla.words import length
from tests.integration.sla.conftest import House


@pytest.fixture
def desk() -> Client:
    """The desk as ada."""
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="correct horse"))
    return client


def text(page: str) -> str:
    """A page as it is read."""
    bare = re.sub(r"<[^>]+>", " ", page).replace("\u202f", " ")
    return " ".join(bare.split())


def test_a_ticket_s_page_says_what_is_left(house: House, desk: Client) -> None:
    ref = house.open()
    house.ages(ref, minutes=10)
    house.move(ref, "ev_assign", team="people")
    house.ages(ref, minutes=100)
    page = text(desk.get(f"/tickets/{ref}/").content.decode())
    assert "Time to own took 10 min of 15 min" in page
    assert re.search(
        r"Time to resolve 2 h (9|10) min left of 4 h due .* UTC, calendar always", page
    )


def test_a_pause_and_being_late_are_said(house: House, desk: Client) -> None:
    waits, late = house.open(), house.open()
    for ref, hours in ((waits, 1), (late, 5)):
        house.move(ref, "ev_assign", team="people")
        house.ages(ref, hours=hours)
    house.move(waits, "ev_pending")
    assert "left of 4 h, paused while it waits" in text(
        desk.get(f"/tickets/{waits}/").content.decode()
    )
    page = text(desk.get(f"/tickets/{late}/").content.decode())
    assert re.search(r"late by 1 h( 1 min)?; 4 h were promised was due", page)


def test_now_goes_by_priority_and_then_by_what_is_left(house: House, desk: Client) -> None:
    Target.objects.filter(priority="P1").update(tto_s=None)
    first, second = house.open(), house.open()
    third = house.open(impact=2, urgency=1)
    house.move(first, "ev_assign", team="people")
    house.move(first, "ev_pending")
    page = text(desk.get("/").content.decode())
    places = [page.index(f"{ref} Shop is down") for ref in (second, first, third)]
    assert places == sorted(places)
    assert "left, paused" in page


def test_the_list_has_a_column_and_no_query_for_each_line(house: House, desk: Client) -> None:
    for _ in range(2):
        house.open()
    desk.get("/tickets/ticket/")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as caught:
            page = desk.get("/tickets/ticket/").content.decode()
        counts.append(len(caught))
        for _ in range(5):
            house.open()
    assert counts[0] == counts[1]
    assert "Time left" in page
    assert re.search(r"1[45] min( left)?", text(page))


def test_the_api_tells_both_clocks(house: House, desk: Client) -> None:
    ref = house.open()
    house.move(ref, "ev_assign", team="people")
    house.ages(ref, hours=3, minutes=30)
    for body in (
        desk.get(f"/api/v1/tickets/{ref}").json(),
        desk.get("/api/v1/tickets").json()["results"][0],
    ):
        own, solve = body["sla"]
        assert (own["kind"], own["state"], own["due_at"], own["target_s"]) == (
            *("tto", "met"),
            *(None, 900),
        )
        assert (solve["kind"], solve["state"], solve["calendar"]) == ("ttr", "running", "always")
        assert solve["used_s"] + solve["left_s"] == 14_400
        assert 0 <= 1_800 - solve["left_s"] <= 60
        assert solve["said"] == f"{length(solve['left_s'])} left of 4 h"


def test_the_lists_of_the_api_take_one_query_for_all_clocks(house: House, desk: Client) -> None:
    house.open()
    desk.get("/api/v1/tickets")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as caught:
            desk.get("/api/v1/tickets")
        counts.append(len(caught))
        for _ in range(5):
            house.open()
    assert counts[0] == counts[1]


def clocks(desk: Client) -> Iterator[tuple[str, float]]:
    for line in desk.get("/api/v1/metrics").content.decode().splitlines():
        found = re.fullmatch(r"ethops_sla_clocks\{(.*)\} (.*)", line)
        if found:
            said = dict(re.findall(r'(\w+)="(\w+)"', found[1]))
            yield "{class} {priority} {kind} {state}".format(**said), float(found[2])


def test_prometheus_counts_what_was_kept_and_what_runs(house: House, desk: Client) -> None:
    refs = [house.open() for _ in range(4)]
    for ref, hours in zip(refs, (0, 1, 5, 5), strict=True):
        house.move(ref, "ev_assign", team="people")
        house.ages(ref, hours=hours)
    for ref in refs[1:3]:
        house.move(ref, "ev_resolve", solution="Restarted.")
    assert dict(clocks(desk)) == {
        "incident P1 tto met": 4,
        "incident P1 ttr running": 1,
        "incident P1 ttr met": 1,
        "incident P1 ttr missed": 1,
        "incident P1 ttr late": 1,
    }
