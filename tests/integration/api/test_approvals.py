"""Decisions by page and by API: the same doors, the same refusals, the same words."""

import re

import pytest
from django.contrib.auth.models import User

from tests.doubles import authenticator
from tests.integration.api.conftest import api_of
from tests.integration.api.scene import DIFF, FILES, NASTY


@pytest.fixture
def waiting(scene):
    """A proposal of the scene's agent, at level propose, with its files kept."""
    return scene.proposed()


def enrol(scene, person):
    secret = bytes(scene.one("owner", "SELECT gate.enrol_factor(%s, 'root') AS s", person)["s"])
    scene.one("owner", "UPDATE approvals_factor SET confirmed_at = now()")
    return authenticator.code(secret)


def risk(scene, name):
    scene.one("owner", "UPDATE personas_catalogueentry SET risk = %s", name)


def page(desk, action):
    return desk.get(f"/approvals/{action}/").content.decode()


def press(desk, action, **fields):
    found = dict(re.findall(r'name="(shown|diff)" value="([0-9a-f]*)"', page(desk, action)))
    return desk.post(f"/approvals/{action}/", {"act": "approve", **found, **fields})


# ---------------------------------------------------------------- the page
def test_a_person_approves_on_the_page(desk, waiting, scene):
    assert press(desk, waiting).status_code == 302
    assert scene.one("app", "SELECT state, approver FROM approvals_approval") == {
        "state": "approved", "approver": "person:ada",
    }  # fmt: skip


def test_facts_come_before_the_words_of_the_agent(desk, waiting):
    said = page(desk, waiting)
    places = [said.index(each) for each in ("What will happen", "What else it may touch",
                                            "What runs", "What the agent says of it")]  # fmt: skip
    assert places == sorted(places)


def test_what_comes_from_outside_is_marked_and_is_only_text(desk, waiting):
    said = page(desk, waiting)
    assert "from untrusted text; nothing above rests on it" in said
    assert "onerror=alert(1)>" not in said
    assert "<b>{{ x }}</b>" not in said
    assert "&lt;b&gt;{{ x }}&lt;/b&gt;" in said


def test_no_word_of_a_model_stands_among_the_facts(desk, waiting):
    said = page(desk, waiting)
    assert NASTY[:10] not in said[said.index("What will happen") : said.index("What runs")]
    assert "ignore all previous" not in said[: said.index("What the agent says of it")]


def test_the_page_shows_hash_files_and_diff(desk, waiting, scene):
    said = page(desk, waiting)
    row = scene.one("app", "SELECT shown_sha256 FROM approvals_approval")
    assert row["shown_sha256"] in said
    assert "+- hosts: all" in said


def test_a_refusal_is_said_on_the_page(desk, waiting, scene):
    risk(scene, "high")
    answer = press(desk, waiting)
    assert answer.status_code == 422
    assert "Changed since it was proposed: entry" in answer.content.decode()


def probe(scene, age_s):
    scene.one(
        "owner",
        "INSERT INTO monitoring_probe (name, ci_ref, kind, interval_s, bad_after, good_after,"
        " alertname, severity) VALUES ('look', 'web-01', 'http', 5, 2, 2, 'Down', 'critical')",
    )
    scene.one(
        "owner",
        "INSERT INTO monitoring_alertstate (probe_id, status, symptom, last_symptom,"
        " last_sample_at) VALUES ('look', 'firing', 'refused', 'refused',"
        " now() - make_interval(secs => %s))",
        age_s,
    )


def test_it_says_how_long_it_still_waits_and_that_the_run_is_parked(desk, waiting):
    said = page(desk, waiting)
    assert "Waits for another" in said
    assert re.search(r"23.h 59, until \w{3} \d\d \w{3}, \d\d:\d\d UTC", said)
    assert "parked: no worker, and its clock stands still" in said


def test_what_is_not_as_it_was_proposed_is_named_and_shown_as_it_is(desk, waiting, scene):
    probe(scene, 0)
    said = page(desk, waiting)
    assert "Not as it was proposed: what its probes say." in said
    assert "look: refused, its alert fires" in said
    assert press(desk, waiting).status_code == 302


def test_who_read_it_before_it_changed_is_shown_it_again(desk, waiting, scene):
    found = dict(re.findall(r'name="(shown|diff)" value="([0-9a-f]*)"', page(desk, waiting)))
    probe(scene, 0)
    answer = desk.post(f"/approvals/{waiting}/", {"act": "approve", **found})
    said = answer.content.decode()
    assert (answer.status_code, "Changed since it was proposed: observed" in said) == (422, True)
    assert found["shown"] not in said[said.index('name="shown"') :][:120]


def test_on_an_old_look_the_page_says_why_nobody_can_approve(desk, waiting, scene):
    probe(scene, 60)
    assert "Nobody has looked at it lately (look)" in page(desk, waiting)
    assert press(desk, waiting).status_code == 422


def test_it_asks_for_a_code_where_one_is_needed(desk, waiting, scene):
    assert 'name="code"' not in page(desk, waiting)
    scene.one("owner", "UPDATE approvals_profile SET single = true")
    said = page(desk, waiting)
    assert 'name="code"' in said
    assert "manage.py factor enrol ada" in said


def test_rejecting_needs_nothing_but_a_button(desk, waiting, scene):
    assert desk.post(f"/approvals/{waiting}/", {"act": "reject"}).status_code == 302
    assert scene.one("app", "SELECT state FROM approvals_approval")["state"] == "rejected"


def test_what_is_decided_has_no_buttons_any_more(desk, waiting):
    press(desk, waiting)
    said = page(desk, waiting)
    assert "<button" not in said[said.index('id="decide"') : said.index('id="record"')]
    assert "Decided by" in said


def test_who_decided_alone_is_marked_wherever_it_shows(desk, waiting, scene):
    scene.one("owner", "UPDATE approvals_profile SET single = true, delay_s = 30")
    scene.one("owner", "ALTER TABLE approvals_approval DISABLE TRIGGER guard_approval")
    scene.one("owner", "UPDATE approvals_approval SET proposed_at = now() - interval '31 s'")
    scene.one("owner", "ALTER TABLE approvals_approval ENABLE ALWAYS TRIGGER guard_approval")
    press(desk, waiting, code=enrol(scene, "ada"))
    ticket = scene.one("app", "SELECT ticket_ref FROM approvals_approval")["ticket_ref"]
    for path in (f"/approvals/{waiting}/", f"/actions/{waiting}/", f"/tickets/{ticket}/"):
        assert "not independent" in desk.get(path).content.decode(), path


def test_it_stands_on_now_with_how_long_it_waits(desk, waiting):
    said = desk.get("/").content.decode()
    assert f"/approvals/{waiting}/" in said
    assert "Approve? restart on web-01" in said


def test_the_admins_address_of_a_row_is_the_same_page(desk, waiting):
    said = desk.get(f"/approvals/approval/{waiting}/change/").content.decode()
    assert "Approve what is shown" in said


def test_the_list_of_all_shows_it(desk, waiting):
    assert str(waiting) in desk.get("/approvals/approval/").content.decode()


def test_strangers_see_none_of_it(client, waiting):
    assert client.get(f"/approvals/{waiting}/").status_code == 302


def test_an_action_without_an_approval_has_no_such_page(desk, scene):
    assert desk.get(f"/approvals/{scene.actions['done']}/").status_code == 404


# ---------------------------------------------------------------- the API
def approve(api, action, **more):
    shown = api.get(f"/api/v1/approvals/{action}").json()
    return api.post(
        f"/api/v1/approvals/{action}/approve",
        {"shown_sha256": shown["now"]["sha256"], **more},
        format="json",
    )


def test_a_program_in_a_persons_name_needs_a_code(api, waiting, scene):
    refused = approve(api, waiting)
    assert (refused.status_code, refused.json()["code"]) == (403, "approvals.wrong_code")
    assert approve(api, waiting, code=enrol(scene, "ada")).json()["state"] == "approved"


def test_one_comes_with_what_must_have_been_shown(api, waiting):
    said = api.get(f"/api/v1/approvals/{waiting}").json()
    assert (said["diff"], said["files"], said["facts"]["diff_sha256"]) == (DIFF, FILES, "e" * 64)


@pytest.mark.parametrize("state", ["waiting", "approved"])
def test_the_list_is_filtered(api, waiting, state):
    found = api.get(f"/api/v1/approvals?state={state}").json()["results"]
    assert [one["action"] for one in found] == ([str(waiting)] if state == "waiting" else [])


def test_who_may_not_approve_is_told_so(waiting, bo, scene):
    refused = approve(api_of(bo), waiting, code=enrol(scene, "bo"))
    assert (refused.status_code, refused.json()["code"]) == (403, "approvals.forbidden")


def test_too_many_wrong_codes_are_too_many(api, waiting, scene):
    code = enrol(scene, "ada")
    for _ in range(3):
        assert approve(api, waiting, code="000000").status_code == 403
    assert approve(api, waiting, code=code).status_code == 429


@pytest.mark.parametrize(
    "said",
    [
        {}, {"shown_sha256": "x"}, {"shown_sha256": 7},
        {"shown_sha256": "0" * 64, "code": "12a456"},
        {"shown_sha256": "0" * 64, "why": "x" * 2001}, [],
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_decision(api, waiting, said, scene):
    answer = api.post(f"/api/v1/approvals/{waiting}/approve", said, format="json")
    assert answer.status_code == 400
    assert scene.one("app", "SELECT state FROM approvals_approval")["state"] == "waiting"


def test_everybody_of_the_desk_may_reject(waiting, bo):
    answer = api_of(bo).post(f"/api/v1/approvals/{waiting}/reject", {"why": "no"}, format="json")
    assert answer.json()["state"] == "rejected"


def test_strangers_may_not(waiting, cy):
    assert api_of(cy).post(f"/api/v1/approvals/{waiting}/reject", {}).status_code == 403


def test_a_card_with_a_token_approves_nothing(waiting, scene):
    card = User.objects.create_superuser("responder", password="correct horse")
    refused = approve(api_of(card), waiting, code=enrol(scene, "responder"))
    assert refused.json()["code"] == "approvals.forbidden"


def test_the_openapi_document_knows_both_ways(api):
    said = api.get("/api/v1/schema").content.decode()
    assert "/api/v1/approvals/{id}/approve" in said or "/approvals/{action}/approve" in said
    assert "/reject" in said


def test_a_lifeline_is_called_one_and_asks_for_a_code(desk, waiting, scene):
    scene.one("owner", "UPDATE cmdb_ci SET lifeline = true WHERE ref = 'web-01'")
    said = page(desk, waiting)
    assert "A lifeline: ethops or its operators stand on it." in said
    assert 'name="code"' in said
