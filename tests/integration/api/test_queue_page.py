"""The runtime's queue as a page: each way of waiting, and why."""

import re

import pytest


@pytest.fixture
def queued(scene):
    scene.proposed()
    return scene.queued()


def section(desk, name):
    said = desk.get("/queue/").content.decode()
    start = said.index(f'id="{name}"')
    return re.sub(r"<[^>]+>|\\s+", " ", said[start : said.index("</section>", start)])


WAYS = {
    "waiting": ("waiting", "high; waits for a place, full: environment operations"),
    "parked": (None, "standard change, waits; another 2"),
    "retrying": ("retrying", "retry 1 of 3: ConnectionError"),
    "at-work": ("at work", "reading"),
    "held": ("paused", "ada: its host is moved"),
    "dead": ("dead", "Given up after 3 retries"),
}


@pytest.mark.parametrize(("name", "run", "why"), [(n, *w) for n, w in WAYS.items()], ids=WAYS)
def test_each_way_of_waiting_is_a_list_with_its_reason(desk, queued, name, run, why):
    said = section(desk, name)
    assert why in said
    assert run is None or f"run {str(queued[run])[:4]}" in said


def test_who_waits_stands_in_the_order_of_places(desk, queued):
    said = section(desk, "waiting")
    first, second = (f"run {str(queued[run])[:4]}" for run in ("waiting", "waiting later"))
    assert said.index(f"1. {first}".split(". ")[1]) < said.index(second)


def test_what_is_parked_leads_to_where_it_is_decided(desk, scene, queued):
    said = desk.get("/queue/").content.decode()
    assert f"/approvals/{scene.actions['proposed']}/" in said


def test_places_are_counted_by_environment_and_card(desk, queued):
    said = desk.get("/queue/").content.decode()
    assert "2 of 0" in said
    assert "responder" in section(desk, "cards")


def test_it_says_how_far_admission_is_closed_and_why(desk, scene, queued):
    scene.one("app", "SELECT agentops.set_throttle('narrow', 1, 60, 900, 990, 'many runs wait')")
    said = section(desk, "admission")
    assert "narrow" in said
    assert "many runs wait" in said


def test_its_fresh_part_is_the_same_page(desk, queued):
    assert "Wait for a place" in desk.get("/queue/live/").content.decode()


def test_an_empty_queue_says_so(desk, scene):
    said = desk.get("/queue/").content.decode()
    assert "Nobody waits." in said
    assert "Nothing was given up." in said


def test_strangers_see_none_of_it(client, scene):
    assert client.get("/queue/").status_code == 302
