"""Autonomy on its page and in the API: what is shown, who may act, and what the gate refuses."""

import json

import pytest

from personas.autonomy.models import Breaker, Change, Judgement
from personas.models import Autonomy
from tests.integration.api.conftest import api_of

KEY = "responder restart service"


def level():
    return Autonomy.objects.get(card_id="responder", entry="restart", ci_class="service").level


def put(api, **said):
    body = {"card": "responder", "entry": "restart", "ci_class": "cache", "why": "earned", **said}
    return api.post("/api/v1/autonomy/levels", body, format="json")


def judge(api, action, verdict="false", why="it was well"):
    body = {"action": str(action), "verdict": verdict, "why": why}
    return api.post("/api/v1/autonomy/verdicts", body, format="json")


# ---------------------------------------------------------------- the API


def test_every_right_is_told_with_its_level_and_figures(api, scene):
    said = api.get("/api/v1/autonomy").json()
    found = {(one["entry"], one["ci_class"]): one["level"] for one in said["triples"]}
    assert found == {("restart", "service"): "act", ("restart", "cache"): "observe"}


def test_a_breaker_that_never_opened_is_closed(api, scene, role):
    role("owner").execute("DELETE FROM public.autonomy_breaker")
    assert api.get("/api/v1/autonomy").json()["breaker"]["breaker"]["state"] == "closed"


def test_what_is_not_carried_by_figures_is_refused(api, scene):
    answer = put(api, level="act")
    assert (answer.status_code, answer.json()["code"]) == (409, "autonomy.refused")


def test_against_the_figures_it_is_set(api, scene):
    answer = put(api, level="act", against_the_figures=True)
    assert (answer.status_code, answer.json()["level"]) == (200, "act")


def test_a_right_that_no_card_has_is_not_found(api, scene):
    assert put(api, level="propose", entry="reboot").status_code == 404


def test_who_may_not_sets_no_level(bo, scene):
    assert put(api_of(bo), level="propose").status_code == 403


def test_a_false_action_takes_the_right_back(api, scene):
    answer = judge(api, scene.actions["done"])
    assert (answer.status_code, answer.json()["proven_false"], level()) == (200, True, "observe")


def test_anybody_at_the_desk_may_call_it_false(bo, scene):
    assert judge(api_of(bo), scene.actions["done"]).status_code == 200


def test_to_call_it_right_needs_the_permission(bo, scene):
    assert judge(api_of(bo), scene.actions["done"], "right").status_code == 403


def test_what_was_denied_is_no_change(api, scene):
    assert judge(api, scene.actions["denied"]).status_code == 409


def test_verdicts_are_listed(api, scene):
    judge(api, scene.actions["done"], "right")
    (found,) = api.get("/api/v1/autonomy/verdicts?verdict=right").json()["results"]
    assert (found["judged_by"], found["entry"]) == ("person:ada", "restart")


def test_the_breaker_is_opened_and_closed(api, scene):
    opened = api.post("/api/v1/autonomy/breaker", {"to": "open", "why": "smoke"}, format="json")
    closed = api.post("/api/v1/autonomy/breaker", {"to": "closed", "why": "ok"}, format="json")
    states = [answer.json()["breaker"]["state"] for answer in (opened, closed)]
    assert states == ["open", "closed"]


def test_who_may_not_moves_no_breaker(bo, scene):
    body = {"to": "open", "why": "smoke"}
    assert api_of(bo).post("/api/v1/autonomy/breaker", body, format="json").status_code == 403


def test_the_metrics_tell_of_it(api, scene):
    text = api.get("/api/v1/metrics").content.decode()
    assert "ethops_breaker_open 0.0" in text
    assert 'ci_class="service",entry="restart",level="act"} 1.0' in text


def keep(api, level="veto", **said):
    body = {"card": "responder", "entry": "restart", "ci_class": "service", "ci": "web-01"}
    said = {"level": level, "why": "it leaks", **said}
    return api.post("/api/v1/autonomy/levels", {**body, **said}, format="json")


def kept(api):
    found = api.get("/api/v1/autonomy").json()["kept"]
    return [(one["ci"], one["level"], one["set_by"]) for one in found]


def test_a_ci_is_kept_below_its_class(api, scene):
    assert keep(api).status_code == 200
    assert (kept(api), level()) == ([("web-01", "veto", "ada")], "act")


def test_a_ci_of_another_class_is_refused(api, scene):
    assert keep(api, ci="nowhere").status_code == 409


def test_a_ci_that_goes_as_far_as_its_class_is_kept_no_longer(api, scene):
    keep(api)
    assert keep(api, "act", against_the_figures=True).status_code == 200
    assert kept(api) == []


# ---------------------------------------------------------------- the page


def test_the_page_says_how_often_each_was_right(desk, api, scene):
    judge(api, scene.actions["done"], "right")
    text = desk.get("/autonomy/").content.decode()
    assert "1 of 1" in text
    assert "for act 12 verdicts that prove 75 %" in text


def test_the_page_sets_a_level(desk, scene):
    said = {"triple": KEY, "level": "observe", "why": "a bad week"}
    assert desk.post("/autonomy/", said).status_code == 302
    assert (level(), Change.objects.first().by) == ("observe", "ada")


def test_the_page_says_why_it_did_not(desk, scene):
    said = {"triple": "responder restart cache", "level": "act", "why": "so"}
    answer = desk.post("/autonomy/", said)
    assert answer.status_code == 422
    assert "right 0 of 0 times" in answer.content.decode()


@pytest.mark.parametrize("path", ["/autonomy/", "/autonomy/breaker/open/"])
def test_who_may_not_changes_nothing_on_the_page(client, bo, scene, path):
    client.force_login(bo)
    client.post(path, {"triple": KEY, "level": "observe", "why": "x"})
    assert (level(), Breaker.objects.exclude(state="closed").exists()) == ("act", False)


def test_the_page_opens_the_breaker_and_now_says_so(desk, scene):
    desk.post("/autonomy/breaker/open/", {"why": "smoke"})
    assert Breaker.objects.get().state == "open"
    assert "no agent changes anything" in desk.get("/").content.decode()


def test_a_change_is_judged_on_its_own_page(desk, scene):
    path = f"/actions/{scene.actions['done']}/"
    assert "Was it right" in desk.get(path).content.decode()
    desk.post(f"{path}verdict/", {"verdict": "false", "why": "it was well"})
    assert Judgement.objects.get().proven_false
    assert "false action" in desk.get(path).content.decode()


def test_what_was_denied_is_not_judged(desk, scene):
    text = desk.get(f"/actions/{scene.actions['denied']}/").content.decode()
    assert "Was it right" not in text


def test_the_page_shows_what_cards_were_evaluated_by(desk, scene):
    figures = {"asked": 28, "right": 20, "acceptable": 6, "harmful": 1, "brier": 0.041, "ece": 0.16}
    scene.one(
        "owner",
        "INSERT INTO autonomy_evaluation (card, engine, prompt_digest, set_digest, figures, by)"
        " VALUES ('responder', 'ops (qwen3:8b)', %s, %s, %s, 'ada')",
        "d" * 64, "e" * 64, json.dumps(figures),
    )  # fmt: skip
    said = desk.get("/autonomy/").content.decode()
    said = said[said.index('id="evaluated"') : said.index('id="verdicts"')]
    for each in ("responder", "ops (qwen3:8b)", "26 of 28", "1 did harm", "0.041", "d" * 12, "ada"):
        assert each in said


def test_the_page_shows_a_kept_ci_and_gives_it_back(desk, api, scene):
    keep(api)
    assert "it leaks" in desk.get("/autonomy/").content.decode()
    said = {"triple": f"{KEY} on web-01", "level": "act", "why": "x", "against_the_figures": "on"}
    assert desk.post("/autonomy/", said).status_code == 302
    assert kept(api) == []
