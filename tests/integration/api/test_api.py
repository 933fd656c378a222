"""The API: who may, what it shows, what people may do, and how many queries it takes."""

from uuid import uuid4

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.integration.api.conftest import api_of
from tests.integration.api.scene import alert

LISTS = (
    "tickets", "runs", "actions", "agentops/intents", "deliveries", "events", "ledger/entries",
    "cards", "catalogue", "cis",
)  # fmt: skip
TAKES_POSTS = {"agentops/intents", "tickets"}


def test_strangers_get_a_problem_and_a_challenge(clean_db):
    answer = Client().get("/api/v1/tickets")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_login_that_is_not_of_the_desk_sees_nothing(cy):
    assert api_of(cy).get("/api/v1/tickets").json()["code"] == "request.forbidden"


def test_a_session_is_as_good_as_a_token(desk, scene):
    assert desk.get(f"/api/v1/tickets/{scene.ticket}").status_code == 200


def test_a_session_without_its_csrf_token_changes_nothing(ada, scene):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    answer = client.post("/api/v1/stop", {}, content_type="application/json")
    assert answer.status_code == 403


def test_every_list_has_something_of_the_scene(api, scene):
    for name in LISTS:
        said = api.get(f"/api/v1/{name}").json()
        # The ledger is not counted: it may be long.
        assert said.get("count", len(said["results"])) == len(said["results"]) > 0, name


def test_one_thing_of_every_list_can_be_looked_at_and_nothing_changed(api, scene):
    for name in LISTS:
        one = api.get(f"/api/v1/{name}").json()["results"][0]
        key = next(one[field] for field in ("ref", "id", "seq", "name") if field in one)
        assert api.get(f"/api/v1/{name}/{key}").status_code == 200, name
        expected = 400 if name in TAKES_POSTS else 405
        assert api.post(f"/api/v1/{name}", {}, format="json").status_code == expected, name
        for method in (api.put, api.patch, api.delete):
            answer = method(f"/api/v1/{name}/{key}", {}, format="json")
            assert answer.status_code == 405, name


def test_a_ticket_comes_with_worklog_story_and_entries(api, scene):
    said = api.get(f"/api/v1/tickets/{scene.ticket}").json()
    kinds = {told["kind"] for told in said["timeline"]}
    assert {"alert", "permit", "denied", "would", "done"} <= kinds
    assert said["worklog"]
    assert said["entries"]


def test_every_verdict_of_the_story_names_its_entry(api, scene):
    said = api.get(f"/api/v1/tickets/{scene.ticket}").json()
    verdicts = [one for one in said["timeline"] if one["kind"] in {"permit", "denied", "would"}]
    assert all(one["seq"] for one in verdicts)


def test_a_run_comes_with_questions_answers_and_actions(api, scene):
    said = api.get(f"/api/v1/runs/{scene.run}").json()
    assert said["step_rows"][0]["answer"]["choice"] == "restart"
    assert {one["verdict"] for one in said["action_rows"]} == {"authorised", "observed", "denied"}


def test_an_entry_shows_that_its_bytes_give_its_hash(api, scene):
    said = api.get("/api/v1/ledger/entries/2").json()
    assert (said["bytes_give_hash"], said["follows_previous"]) == (True, True)


def test_the_ledger_is_never_said_to_be_whole_unchecked(api, scene):
    assert api.get("/api/v1/ledger").json()["whole"] is None


def test_filters_keep_what_fits(api, scene):
    said = api.get("/api/v1/actions", {"verdict": "denied"}).json()
    assert [one["id"] for one in said["results"]] == [str(scene.actions["denied"])]


def test_a_filter_that_cannot_be_used_is_named(api):
    for query in (
        "state=burning",
        "colour=red",
        "offset=99999999999999999999",
        "opened_after=soon",
    ):
        answer = api.get(f"/api/v1/tickets?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid"), query
        assert query.partition("=")[0] in answer.json()["errors"], query


def test_what_is_not_there_is_a_problem(api):
    for path in (
        "tickets/INC-99999",
        "runs/00000000-0000-0000-0000-000000000000",
        "runs/------------------------------------",
        "ledger/entries/999999999999999999",
        "cis/%00",
        "nothing",
    ):
        answer = api.get(f"/api/v1/{path}")
        assert answer.status_code in {400, 404}, path
        assert answer["Content-Type"] == "application/problem+json", path


def test_the_number_of_queries_does_not_grow_with_the_rows(api, scene):
    def queries() -> dict[str, int]:
        counted = {}
        for name in LISTS:
            with CaptureQueriesContext(connection) as caught:
                assert api.get(f"/api/v1/{name}").status_code == 200
            counted[name] = len(caught)
        return counted

    few = queries()
    for number in range(3):
        scene.incident(alert(f"Other{number}", ci="db-01"))
    assert queries() == few


def test_a_story_takes_a_fixed_number_of_queries(api, scene):
    def queries(ref: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            api.get(f"/api/v1/tickets/{ref}")
        return len(caught)

    plain = scene.incident(alert("Other", ci="db-01"))
    assert queries(scene.ticket) == queries(plain)


def test_a_note_is_in_the_worklog_under_its_author(api, scene):
    answer = api.post(f"/api/v1/tickets/{scene.ticket}/comment", {"text": "I look."}, format="json")
    assert answer.status_code == 201
    line = api.get(f"/api/v1/tickets/{scene.ticket}").json()["worklog"][-1]
    assert (line["author"], line["text"]) == ("ada", "I look.")


def test_a_note_sent_twice_with_one_key_is_one_note(api, scene):
    said = {"text": "Once.", "key": str(uuid4())}
    path = f"/api/v1/tickets/{scene.ticket}/comment"
    assert api.post(path, said, format="json").json()["repeated"] is False
    assert api.post(path, said, format="json").json()["repeated"] is True


def test_a_note_that_says_nothing_usable_is_refused(api, scene):
    for said in ({}, {"text": ""}, {"text": "x" * 4001}, {"text": "a\x00b"}):
        answer = api.post(f"/api/v1/tickets/{scene.ticket}/comment", said, format="json")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["text"])


def test_who_takes_a_ticket_ends_its_runs(api, scene):
    answer = api.post(f"/api/v1/tickets/{scene.ticket}/assign-to-me", {}, format="json")
    assert answer.json()["state"] == "assigned"
    assert api.get(f"/api/v1/runs/{scene.run}").json()["state"] == "cancelled"
    assert api.get(f"/api/v1/tickets/{scene.ticket}").json()["assignee"] == "ada"


def test_a_ticket_is_taken_from_its_holder_only_by_who_names_him(api, scene):
    User.objects.create_user("ben", is_staff=True)
    other = api_of(User.objects.get(username="ben"))
    path = f"/api/v1/tickets/{scene.ticket}/assign-to-me"
    api.post(path, {}, format="json")
    answer = other.post(path, {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "tickets.held")
    assert answer.json()["detail"] == f"ada has {scene.ticket}."
    assert api.post(path, {}, format="json").json()["outcome"] == "held"
    answer = other.post(path, {"instead_of": "ada"}, format="json")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "moved")


def test_a_ticket_that_is_settled_cannot_be_taken(api, scene):
    move = {"stimulus": "ev_resolve", "solution": "Power is back."}
    api.post(f"/api/v1/tickets/{scene.ticket}/move", move, format="json")
    answer = api.post(f"/api/v1/tickets/{scene.ticket}/assign-to-me", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "tickets.move_refused")
    assert api.get(f"/api/v1/tickets/{scene.ticket}").json()["assignee"] == ""


def test_a_move_that_the_state_refuses_is_a_conflict(api, scene):
    move = {"stimulus": "ev_close"}
    answer = api.post(f"/api/v1/tickets/{scene.ticket}/move", move, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "tickets.move_refused")


def test_acts_on_a_ticket_that_is_not_there_are_a_404(api):
    answer = api.post("/api/v1/tickets/INC-99999/comment", {"text": "?"}, format="json")
    assert answer.json()["code"] == "tickets.not_found"


def test_anybody_of_the_desk_presses_the_stop(bo, scene):
    said = api_of(bo).post("/api/v1/stop", {"why": "smoke"}, format="json").json()
    assert (said["stopped"], said["by"], said["why"]) == (True, "bo", "smoke")


def test_the_stop_is_lifted_only_by_those_who_may(api, bo, scene):
    api.post("/api/v1/stop", {}, format="json")
    refused = api_of(bo).post("/api/v1/resume", {"why": "fine"}, format="json")
    assert refused.status_code == 403
    assert api.post("/api/v1/resume", {"why": "fine"}, format="json").json()["stopped"] is False


def test_resuming_needs_a_reason(api, scene):
    api.post("/api/v1/stop", {}, format="json")
    assert api.post("/api/v1/resume", {"why": " "}, format="json").status_code == 400
    assert api.get("/api/v1/stop").json()["stopped"] is True


def test_the_schema_names_no_other_host(api):
    text = api.get("/api/v1/schema").content.decode()
    assert "openapi: 3" in text
    assert "http" not in text.replace("type: http", "")


def test_a_body_that_is_no_json_is_a_400(api, scene):
    path = f"/api/v1/tickets/{scene.ticket}/comment"
    for text in ("{", "[1,", "\x00", "[" * 100_000, '{"text": NaN}', "[]"):
        answer = api.post(path, text, content_type="application/json")
        assert answer.status_code == 400, text[:20]


def test_health_needs_no_login(clean_db):
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_an_inactive_login_is_out(ada, scene):
    client = api_of(ada)
    User.objects.filter(username="ada").update(is_active=False)
    assert client.get("/api/v1/tickets").status_code == 401
