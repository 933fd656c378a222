"""Asking for runs over the API: what is admitted, refused, told, cancelled; and the picture."""

import json
import threading

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapters.tickets.models import LogLine, Ticket
from ethops.api import routes
from personas.agentops.models import Request
from personas.models import AgentIntent, Run
from tests.doubles.agent import finish
from tests.integration.api.conftest import api_of
from tests.integration.api.scene import alert

PATH = "/api/v1/agentops/intents"


@pytest.fixture(autouse=True)
def _card(scene):
    """The scene's card, with what a real one declares."""
    scene.one(
        "owner",
        "UPDATE personas_card SET document = %s",
        json.dumps({"first_question": "diagnose", "escalates_to": "people"}),
    )


def said(**more):
    return {"agent_role": "responder", "prompt": "The disk fills up.", **more}


def ask(api, key="", **more):
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    return api.post(PATH, said(**more), format="json", **headers)


def places(scene, most, queued=100):
    scene.one(
        "app", "SELECT gate.set_environment('operations', %s, %s, 'ada', 'test')", most, queued
    )


def test_a_run_that_is_asked_for_begins_where_there_is_a_place(api):
    answer = ask(api)
    assert (answer.status_code, answer.json()["queue_position"]) == (202, 0)


def test_a_run_that_is_asked_for_waits_in_the_queue(api, scene):
    places(scene, 0)
    answer = ask(api)
    assert answer.status_code == 202
    assert set(answer.json()) == {"intent_id", "queue_position", "estimated_start_s"}
    assert answer.json()["queue_position"] == 1


def test_an_intent_tells_where_it_stands(api):
    found = api.get(f"{PATH}/{ask(api).json()['intent_id']}").json()
    assert (found["status"], found["tool_call_count"]) == ("starting", 0)
    assert found["checkpoint"]["tool_call_count"] == 0
    assert found["duration_ms"] >= 0
    assert (found["prompt"], found["tenant_id"]) == ("The disk fills up.", "default")


def test_an_intent_that_a_rule_made_tells_too(api, scene):
    intent = AgentIntent.objects.get(ticket_ref=scene.ticket)
    found = api.get(f"{PATH}/{intent.id}").json()
    assert (found["tool_call_count"], found["checkpoint"]["last_tool"]) == (
        3, "playbook.run restart",
    )  # fmt: skip


def test_what_was_asked_is_the_text_of_a_ticket_and_no_right(api):
    intent = AgentIntent.objects.get(id=ask(api).json()["intent_id"])
    ticket = Ticket.objects.get(ref=intent.ticket_ref)
    assert ticket.description == "The disk fills up."
    assert (intent.scope, intent.joined) == ([], "none")


def test_a_run_that_was_asked_for_has_read_what_others_wrote(api, scene):
    run = Run.objects.get(intent_id=ask(api).json()["intent_id"])
    read = scene.one("app", "SELECT gate.taint_of(%s) AS worst", run.id)
    assert read["worst"] == "outside"


def test_a_run_that_names_a_ticket_has_its_cis_and_its_words(api, scene):
    ref = scene.incident(alert("Other", ci="db-01"))
    intent = AgentIntent.objects.get(id=ask(api, job_id=ref).json()["intent_id"])
    assert (intent.ticket_ref, intent.scope, intent.joined) == (ref, ["db-01"], "joined")
    assert LogLine.objects.filter(ticket_id=ref, author="ada", text="The disk fills up.").exists()


def test_a_ticket_that_is_not_there_is_a_404(api):
    answer = ask(api, job_id="INC-99999")
    assert (answer.status_code, answer.json()["code"]) == (404, "tickets.not_found")


def test_a_card_that_is_not_there_is_a_404_and_leaves_nothing(api):
    before = Ticket.objects.count()
    answer = ask(api, agent_role="root")
    assert (answer.status_code, answer.json()["code"]) == (404, "agentops.unknown_role")
    assert Ticket.objects.count() == before


def test_a_ticket_on_which_an_agent_works_is_a_conflict_and_gets_no_line(api, scene):
    before = LogLine.objects.filter(ticket_id=scene.ticket).count()
    answer = ask(api, job_id=scene.ticket)
    assert (answer.status_code, answer.json()["code"]) == (409, "agentops.busy")
    assert LogLine.objects.filter(ticket_id=scene.ticket).count() == before


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": ""},
        {"prompt": "x" * 4001},
        {"prompt": "a\x00b"},
        {"priority": 5},
        {"priority": -1},
        {"priority": "now"},
        {"max_duration": 0},
        {"max_duration": 3601},
        {"tenant_id": "../x"},
        {"agent_role": "Responder"},
        {"agent_role": 7},
        {"job_id": "x" * 41},
    ],
    ids=str,
)
def test_a_field_that_cannot_be_used_is_named(api, more):
    answer = ask(api, **more)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(more))


def test_another_type_of_body_is_refused(api):
    answer = api.post(PATH, "agent_role=responder", content_type="text/plain")
    assert (answer.status_code, answer.json()["code"]) == (415, "request.wrong_type")


def test_a_body_beyond_reason_is_refused(api):
    answer = api.post(PATH, said(prompt="x" * 70_000), format="json")
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_long")


def test_who_has_no_permission_has_no_run_born(bo):
    assert ask(api_of(bo)).json()["code"] == "request.forbidden"


def test_the_same_key_and_words_are_one_run(api):
    first, second = (ask(api, key="disk-1").json() for _ in range(2))
    assert first == second
    assert Request.objects.count() == 1


def test_a_key_for_other_words_is_a_conflict(api):
    ask(api, key="disk-1")
    answer = ask(api, key="disk-1", priority=0)
    assert (answer.status_code, answer.json()["code"]) == (409, "agentops.key_reused")


def test_a_key_is_each_person_s_own(api, bo, ada):
    bo.user_permissions.add(Permission.objects.get(codename="add_agentintent"))
    assert ask(api, key="k").json()["intent_id"] != ask(api_of(bo), key="k").json()["intent_id"]


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a b", "ä"])
def test_a_key_that_cannot_be_used_is_named(api, key):
    answer = api.post(PATH, said(), format="json", HTTP_IDEMPOTENCY_KEY=key)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["Idempotency-Key"])


def test_asked_twice_in_one_instant_it_is_one_run(api):
    answers = []

    def once():
        try:
            answers.append(ask(api, key="race").json())
        finally:
            connection.close()

    threads = [threading.Thread(target=once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["intent_id"] for answer in answers}) == 1


def test_a_request_shortens_a_run_and_never_lengthens_it(api):
    for asked, expected in ((60, 60), (3600, 300)):
        run = Run.objects.get(intent_id=ask(api, max_duration=asked).json()["intent_id"])
        assert run.max_duration_s == expected
        began = run.started_at or run.created_at
        assert round((run.deadline - began).total_seconds()) == expected


def test_a_run_that_waits_loses_none_of_its_time(api, scene):
    places(scene, 0)
    run = Run.objects.get(intent_id=ask(api, max_duration=60).json()["intent_id"])
    assert (run.deadline - run.created_at).total_seconds() > 3600


def test_positions_go_by_priority_and_then_by_time(api, scene):
    places(scene, 0)
    found = [ask(api, priority=p).json()["queue_position"] for p in (3, 1, 3, 0)]
    assert found == [1, 1, 3, 1]


def test_a_full_environment_says_when_to_come_again(api, scene):
    places(scene, 0, queued=1)
    ask(api)
    answer = ask(api)
    assert (answer.status_code, answer.json()["code"]) == (429, "agentops.full")
    assert (int(answer["Retry-After"]) > 0, Request.objects.count()) == (True, 1)


def test_a_throttle_holds_back_what_can_wait_and_lets_the_rest_in(api, scene):
    scene.one("app", "SELECT agentops.set_throttle('slow', 2, 20, 40, 50, 'test')")
    assert (ask(api, priority=3).status_code, ask(api, priority=2).status_code) == (429, 202)
    assert ask(api, priority=3)["Retry-After"] == "20"


def test_a_refused_request_may_be_sent_again_under_its_key(api, scene):
    scene.one("app", "SELECT agentops.set_throttle('shut', 0, 20, 70, 80, 'test')")
    assert ask(api, key="later").status_code == 429
    scene.one("app", "SELECT agentops.set_throttle('open', 4, 0, 0, 0, 'test')")
    assert ask(api, key="later").status_code == 202


def test_a_card_that_a_person_has_isolated_has_no_run_born(api, scene):
    scene.one("app", "SELECT gate.isolate_card('responder', 'ada', 'odd')")
    answer = ask(api)
    assert (answer.status_code, answer.json()["code"]) == (409, "agentops.isolated")
    assert not Ticket.objects.filter(title="The disk fills up.").exists()


def test_who_cancels_ends_the_run_and_voids_what_was_not_begun(api, scene):
    intent = AgentIntent.objects.get(id=ask(api).json()["intent_id"])
    step = scene.step()
    if str(step["run_id"]) == str(scene.run):
        step = scene.step()
    permit = scene.propose(step, "say", "ticket.comment", intent.ticket_ref, text="x")
    answer = api.post(f"{PATH}/{intent.id}/cancel", {"why": "wrong host"}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    work = scene.one("app", "SELECT state FROM audit_work WHERE id = %s", permit["action_id"])
    assert work["state"] == "cancelled"
    assert Run.objects.get(intent=intent).summary == "ada cancelled it: wrong host"


def test_the_words_of_a_request_stay_in_its_ticket_alone_once_its_run_is_over(api, scene):
    intent = AgentIntent.objects.get(id=ask(api).json()["intent_id"])
    assert intent.inputs["request"] == "The disk fills up."
    step = scene.step()
    if str(step["run_id"]) == str(scene.run):
        step = scene.step()
    finish(scene.links["agent"], step, "done")
    intent.refresh_from_db()
    assert "request" not in intent.inputs
    assert Request.objects.get(intent=intent).prompt == ""
    assert Ticket.objects.get(ref=intent.ticket_ref).description == "The disk fills up."


def test_what_is_over_cannot_be_cancelled(api):
    path = f"{PATH}/{ask(api).json()['intent_id']}/cancel"
    api.post(path, {}, format="json")
    answer = api.post(path, {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "agentops.over")


@pytest.mark.parametrize("path", ["0f8fad5b-d9cb-469f-a165-70867728950e", "-" * 36, "0" * 36, "x"])
def test_an_intent_that_is_not_there_is_a_404(api, path):
    assert api.get(f"{PATH}/{path}").status_code == 404
    assert api.post(f"{PATH}/{path}/cancel", {}, format="json").status_code == 404


def test_an_event_of_an_ended_run_can_be_looked_at(api):
    intent = ask(api).json()["intent_id"]
    api.post(f"{PATH}/{intent}/cancel", {}, format="json")
    found = api.get("/api/v1/agentops/events", {"state": "cancelled"}).json()["results"]
    assert [one["intent_id"] for one in found] == [intent]
    assert api.get(f"/api/v1/agentops/events/{found[0]['event_id']}").json()["exit_code"] == 143


def world(api):
    answer = api.get("/api/v1/agentops/world-model")
    assert answer.status_code == 200
    return answer.json()


def test_the_picture_has_every_part(api):
    found = world(api)
    assert {"agents", "user_plane", "execution_topology", "causal_graph"} <= set(found)
    assert {"jobs_in_flight", "cluster_status", "gpu_utilisation"} <= set(found["user_plane"])


def test_the_picture_shows_who_works_on_what(api, scene):
    agents = world(api)["agents"]
    assert [(one["session_id"], one["job_id"]) for one in agents] == [
        (str(scene.run), scene.ticket)
    ]


def test_the_picture_shows_what_came_of_what(api):
    intent = ask(api).json()["intent_id"]
    api.post(f"{PATH}/{intent}/cancel", {}, format="json")
    caused = {one["intent"]: one["outcome"] for one in world(api)["causal_graph"]}
    assert caused[intent] == "cancelled"


def test_the_picture_shows_which_run_came_of_which(api, scene):
    first, second = (
        scene.one(
            "app", "SELECT gate.dispatch('responder', %s, 2, '[]', 'none', %s, %s) AS run",
            f"T-{number}", json.dumps(inputs), f"T-{number}",
        )["run"]
        for number, inputs in enumerate(({}, {"parent_run": str(scene.run)}))
    )  # fmt: skip
    links = [(one["parent"], one["child"], one["relation"]) for one in world(api)[
        "execution_topology"]]  # fmt: skip
    assert links == [(str(scene.run), str(second), "spawned_by")]
    assert first != second


def test_a_run_that_a_person_asked_for_came_of_none(api, scene):
    ref = scene.incident(alert("Other", ci="db-01"))
    first = ask(api, job_id=ref).json()["intent_id"]
    api.post(f"{PATH}/{first}/cancel", {}, format="json")
    ask(api, job_id=ref)
    assert world(api)["execution_topology"] == []


def test_a_stopped_house_is_stopped_in_the_picture(api):
    api.post("/api/v1/stop", {}, format="json")
    assert world(api)["user_plane"]["cluster_status"]["status"] == "stopped"


def test_the_picture_takes_a_fixed_number_of_queries(api):
    def queries():
        with CaptureQueriesContext(connection) as caught:
            world(api)
        return len(caught)

    few = queries()
    for _ in range(4):
        ask(api)
    assert queries() == few


def test_strangers_see_no_picture(cy):
    assert api_of(cy).get("/api/v1/agentops/world-model").status_code == 403


def test_openapi_names_paths_answers_and_the_key():
    paths = SchemaGenerator(patterns=routes.urlpatterns).get_schema(public=True)["paths"]
    post = paths["/v1/agentops/intents"]["post"]
    assert set(post["responses"]) == {"202"}
    assert any(one["name"] == "Idempotency-Key" for one in post["parameters"])
    assert "/v1/agentops/intents/{id}/cancel" in paths
    assert "/v1/agentops/world-model" in paths


JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
FIELDS = ("agent_role", "job_id", "prompt", "priority", "max_duration", "tenant_id")
FITTING = {"force", "flags", "command", "environment"}
"""Fields that must fit the card; a name that is drawn may by chance be one of them."""


@settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@example(body={"prompt": "x", "force": True})
@given(body=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), JSONISH, max_size=7))
def test_whatever_is_sent_is_never_a_fault_of_ours(api, body):
    answer = api.post(PATH, {"agent_role": "responder", **body}, format="json")
    refused = {422} if FITTING & body.keys() else set()
    assert answer.status_code in {202, 400, 404, 409, 429} | refused
