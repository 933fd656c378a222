"""A person steers runs and cards, over the API and on the run's page."""

import pytest
from django.test import Client
from django.urls import reverse

from personas.models import Run
from tests.integration.api.conftest import api_of


def path(scene):
    return f"/api/v1/runs/{scene.run}/control"


def page_of(scene):
    return reverse("admin:run", args=[scene.run])


def tell(api, scene, act, why="a test"):
    return api.post(path(scene), {"act": act, "why": why}, format="json")


@pytest.fixture
def at_the_desk(bo):
    """Somebody without any permission of his own."""
    return api_of(bo)


def test_a_person_pauses_a_run_by_name(api, scene):
    answer = tell(api, scene, "pause")
    assert (answer.status_code, answer.json()["state"], answer.json()["why"]) == (
        200, "paused", "a test",
    )  # fmt: skip


def test_without_a_reason_nothing_is_done(api, scene):
    assert tell(api, scene, "pause", why="").status_code == 400


def test_what_a_state_does_not_allow_is_refused_in_words(api, scene):
    answer = tell(api, scene, "pause")
    answer = tell(api, scene, "pause")
    assert (answer.status_code, answer.json()["code"]) == (409, "runs.control_refused")


@pytest.mark.parametrize("act", ["pause", "isolate", "cancel"])
def test_everybody_at_the_desk_may_have_a_run_do_less(at_the_desk, scene, act):
    assert tell(at_the_desk, scene, act).status_code == 200


def test_who_may_not_steer_lets_nothing_go_on(at_the_desk, scene):
    tell(at_the_desk, scene, "pause")
    assert tell(at_the_desk, scene, "resume").status_code == 403


def test_who_may_steer_lets_it_go_on(api, scene):
    tell(api, scene, "pause")
    assert tell(api, scene, "resume").json()["state"] == "starting"


def test_the_page_offers_nobody_what_he_may_not(bo, scene):
    bos = Client()
    bos.force_login(bo)
    tell(api_of(bo), scene, "pause")
    page = bos.get(page_of(scene)).content.decode()
    assert ('value="resume"' in page, 'value="cancel"' in page) == (False, True)


def test_a_run_that_is_none_is_not_found(api):
    answer = api.post(
        "/api/v1/runs/00000000-0000-0000-0000-000000000000/control",
        {"act": "pause", "why": "x"},
        format="json",
    )
    assert answer.status_code == 404


def test_a_card_is_isolated_and_its_runs_stand_apart(api, scene):
    answer = api.post("/api/v1/cards/responder/isolate", {"why": "it rambles"}, format="json")
    assert (answer.status_code, answer.json()["isolated"]) == (200, True)
    assert Run.objects.get(id=scene.run).state == "isolated"


def test_the_page_offers_what_the_state_allows(desk, scene):
    page = desk.get(page_of(scene)).content.decode()
    assert ('value="pause"' in page, 'value="resume"' in page) == (True, False)


def test_the_page_tells_a_run_what_was_pressed(desk, scene):
    desk.post(page_of(scene), {"act": "pause", "why": "looks odd"})
    assert Run.objects.get(id=scene.run).state == "paused"


def test_the_page_asks_for_a_reason(desk, scene):
    answer = desk.post(page_of(scene), {"act": "pause", "why": ""})
    assert (answer.status_code, "Say why" in answer.content.decode()) == (422, True)
