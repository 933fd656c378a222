"""Places by environment, through the API and the dispatcher: a full one holds no other back."""

import json

import pytest

from adapters.environments import DeclaredEnvironment
from audit.models import Work
from ethops.desk import dispatch
from personas import environments
from personas.models import AgentIntent, Environment
from personas.models import Run as AgentRun
from tests.conftest import point_django
from tests.doubles.cards import approve_all
from tests.integration.api.scene import alert

PATH = "/api/v1/agentops/intents"
GPU = "torch.dev.gpu"


@pytest.fixture(autouse=True)
def _card(scene):
    """The scene's card, with what a real one declares."""
    scene.one(
        "owner",
        "UPDATE personas_card SET document = %s",
        json.dumps({"first_question": "diagnose", "escalates_to": "people"}),
    )


@pytest.fixture
def declare(clean_db, servers, database_name):
    """`declare({...}, ...)`: what a site file says of environments, loaded as by its owner."""

    def load(*said):
        point_django(servers, database_name, "ethops_owner")
        changed = environments.load([DeclaredEnvironment(**one) for one in said])
        point_django(servers, database_name, "ethops_app")
        return changed

    return load


@pytest.fixture
def small(declare):
    """An environment with one place and one that may wait, which has CIs of a class."""
    declare({"name": GPU, "at_once": 1, "queued": 1, "classes": ("database",)})


def ask(api, **more):
    said = {"agent_role": "responder", "prompt": "The disk fills up.", **more}
    return api.post(PATH, said, format="json")


def fill(api):
    return [ask(api, environment=GPU).status_code for _ in range(2)]


def test_a_full_environment_refuses_and_no_other_does(api, small):
    assert fill(api) == [202, 202]
    full, other = ask(api, environment=GPU), ask(api)
    assert (full.status_code, full.json()["code"]) == (429, "agentops.full")
    assert int(full["Retry-After"]) > 0
    assert (other.status_code, other.json()["queue_position"]) == (202, 0)


def test_a_full_operations_holds_no_other_back(api, scene, small):
    scene.one("app", "SELECT gate.set_environment('operations', 0, 0, 'ada', 'a test')")
    assert (ask(api).status_code, ask(api, environment=GPU).status_code) == (429, 202)


def test_the_throttle_of_operations_holds_nobody_else(api, scene, small):
    scene.one("app", "SELECT agentops.set_throttle('shut', 0, 20, 70, 80, 'test')")
    assert (ask(api).status_code, ask(api, environment=GPU).status_code) == (429, 202)


def test_an_end_gives_the_place_to_its_own_environment(api, small):
    first, second = (ask(api, environment=GPU).json()["intent_id"] for _ in range(2))
    api.post(f"{PATH}/{first}/cancel", {}, format="json")
    assert AgentRun.objects.get(intent=second).state == "starting"


def test_a_run_is_in_the_environment_of_its_ticket(api, scene, small):
    ref = scene.incident(alert("Slow", ci="db-01"))
    intent = ask(api, job_id=ref).json()["intent_id"]
    assert AgentIntent.objects.get(id=intent).environment == GPU
    assert api.get(f"{PATH}/{intent}").json()["environment"] == GPU


def test_nobody_gets_around_a_full_one_by_naming_another(api, scene, small):
    ref = scene.incident(alert("Slow", ci="db-01"))
    answer = ask(api, job_id=ref, environment="operations")
    assert (answer.status_code, answer.json()["code"]) == (422, "agentops.other_environment")
    assert not AgentIntent.objects.filter(ticket_ref=ref).exists()


def test_an_environment_that_is_not_there_is_refused_with_those_that_are(api):
    answer = ask(api, environment="mars")
    assert (answer.status_code, answer.json()["code"]) == (422, "agentops.unknown_environment")
    assert "ros.dev.gpu" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["", "A", "../x", "x" * 61, ["a"], None])
def test_a_name_that_is_none_is_a_field_that_cannot_be_used(api, name):
    answer = ask(api, environment=name)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["environment"])


def test_the_dispatcher_goes_by_the_ci_and_keeps_the_ticket_while_it_is_full(api, scene, small):
    scene.one(
        "owner",
        "INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)"
        " SELECT 'triage', title, purpose, team, digest, limits, document FROM personas_card",
    )
    approve_all(scene.links["owner"])
    fill(api)
    busy, free = (scene.incident(alert("Slow", ci=ci)) for ci in ("db-01", "old-01"))
    for ref in (busy, free):
        dispatch.consider({"ticket": ref})
    assert not AgentRun.objects.filter(ticket_ref=busy).exists()
    assert Work.objects.filter(subject=busy, payload__why="the queue was full").exists()
    run = AgentRun.objects.get(ticket_ref=free)
    assert (run.state, run.intent.environment) == ("starting", "operations")


def test_what_the_file_says_is_what_there_is(declare):
    there = Environment.objects.filter(name="lab")
    assert declare({"name": "lab", "at_once": 2, "cis": ("web-01",)}) == ["environment lab"]
    assert declare({"name": "lab", "at_once": 2, "cis": ("web-01",)}) == []
    said = there.values_list("max_concurrent", "max_queued", "declared").get()
    assert (said, environments.of(["web-01"])) == ((2, 100, True), frozenset({"lab"}))
    assert declare() == ["environment lab"]
    said = there.values_list("max_concurrent", "max_queued", "declared").get()
    assert (said, environments.of(["web-01"])) == ((4, 100, False), frozenset())


def test_what_a_person_has_made_is_his(scene, declare):
    scene.one("app", "SELECT gate.set_environment('attic', 1, 2, 'ada', 'a test')")
    assert declare() == []
    assert Environment.objects.get(name="attic").max_concurrent == 1
