"""The desk's own pages: what they say, what they never run, what people do on them."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern
from django.utils import timezone

from audit.models import Entry
from ethops.pages import site
from ethops.world import ledger_state
from tests.integration.api.conftest import api_of
from tests.integration.api.scene import NASTY, alert


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def plain():
    """Our own pages that are about no one thing, as the site has them."""
    found, theirs = (
        {one.name: str(one.pattern) for one in urls if isinstance(one, URLPattern)}
        for urls in (site.desk.get_urls(), AdminSite.get_urls(site.desk))
    )
    return [f"/{found[name]}" for name in found.keys() - theirs if "<" not in found[name]]


@pytest.fixture
def paths(scene):
    """Every page of ours, each as it is when there is something to show."""
    scene.proposed()
    return [
        "/", *plain(), f"/tickets/{scene.ticket}/", f"/tickets/{scene.ticket}/?all", "/ledger/2/",
        f"/runs/{scene.run}/", *(f"/actions/{one}/" for one in scene.actions.values()),
        f"/tickets/{scene.ticket}/live/", f"/approvals/{scene.actions['proposed']}/",
        "/desk/delivery/1/change/", "/desk/event/1/change/", "/cards/responder/",
    ]  # fmt: skip


def test_text_of_strangers_is_never_markup(desk, paths):
    for path in paths:
        text = page(desk, path)
        assert "<img" not in text
        assert "49 ignore" not in text


def test_the_prose_of_strangers_is_labelled(desk, scene):
    text = page(desk, f"/tickets/{scene.ticket}/")
    assert "Text of the alert, from outside" in text
    assert NASTY.replace("<", "&lt;").replace(">", "&gt;") in text


def test_no_page_carries_inline_style_script_or_handler(desk, paths):
    for path in paths:
        text = page(desk, path)
        assert not re.findall(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=\"", text), path


def test_every_answer_carries_the_policy(desk, paths):
    for path in [*paths, "/nothing/", "/api/v1/nothing", "/static/ethops/ethops.css"]:
        answer = desk.get(path)
        answer.close()
        assert answer["Content-Security-Policy"].startswith("default-src 'self'"), path


def test_now_answers_four_questions(desk, scene):
    text = page(desk, "/")
    for words in ("1 open P1", "1 run", "Nothing", "Not checked yet"):
        assert f"<strong>{words}</strong>" in text


def test_now_is_calm_where_nothing_is_wrong(desk):
    text = page(desk, "/")
    assert "Nothing is wrong." in text
    assert "No agent is at work." in text
    assert "Nothing waits for a person." in text


def test_an_escalated_ticket_waits_for_a_person(desk, api, scene):
    api.post(f"/api/v1/tickets/{scene.ticket}/move", {"stimulus": "ev_escalate"}, format="json")
    assert f"{scene.ticket} WebHangs on web-01</a>" in page(desk, "/")


def test_the_number_of_queries_of_now_does_not_grow(desk, scene):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            page(desk, "/")
        return len(caught)

    few = queries()
    for number in range(3):
        scene.incident(alert(f"Other{number}", ci="db-01"))
    assert queries() == few


def test_the_story_tells_cause_before_effect(desk, scene):
    text = page(desk, f"/tickets/{scene.ticket}/")
    order = [
        text.index(words)
        for words in ("Alert: WebHangs", "Authorised", "Would have run", "Denied", "Done")
    ]
    assert order == sorted(order)


def test_a_denied_action_stays_in_the_story_with_its_reason(desk, scene):
    text = page(desk, f"/tickets/{scene.ticket}/")
    assert "no grant for responder covers restart on a CI of class database" in text


def test_repeats_are_one_line(desk, scene):
    first = alert("Loud", ci="db-01")
    ref = scene.incident(first)
    for start in range(3):
        scene.incident({**first, "annotations": {"summary": f"again {start}"}})
    text = page(desk, f"/tickets/{ref}/")
    assert text.count("Alert: Loud") == 1
    assert "3 repeats folded in" in text


def test_every_line_with_an_entry_leads_to_it(desk, scene):
    text = page(desk, f"/tickets/{scene.ticket}/")
    entries = {int(seq) for seq in re.findall(r'href="/ledger/(\d+)/"', text)}
    assert entries
    assert entries <= set(
        Entry.objects.filter(ticket_ref=scene.ticket).values_list("seq", flat=True)
    )


def test_a_page_claims_recorded_and_never_proven(desk, paths):
    for path in paths:
        # Of an action, it is a person's word and no claim about an entry.
        assert "proven" not in page(desk, path).replace("proven false action", ""), path


def test_an_entry_shows_its_sentences(desk, scene):
    text = page(desk, "/ledger/2/")
    assert "Its bytes give its hash" in text
    assert "It follows #1" in text


def test_an_entry_whose_bytes_were_changed_says_so(desk, scene, evil):
    evil("UPDATE audit_entry SET body = body || ' '::bytea WHERE seq = 2")
    text = page(desk, "/ledger/2/")
    assert "Its bytes do not give its hash" in text
    assert ">broken<" in text


def test_one_broken_entry_turns_the_answer_into_no_on_every_page(desk, scene, evil, verify):
    evil("UPDATE audit_entry SET body = body || ' '::bytea WHERE seq = 2")
    verify()
    for path in ("/", "/ledger/", f"/tickets/{scene.ticket}/", "/everything/", "/desk/event/"):
        assert "The ledger does not verify" in page(desk, path)
    assert "<strong>No</strong>" in page(desk, "/")


def test_a_whole_chain_is_said_to_be_whole_as_far_as_it_was_checked(desk, scene, monkeypatch):
    found = ledger_state.Checked(to_seq=2, at=timezone.now() - timedelta(seconds=40), finding="")
    monkeypatch.setattr(ledger_state, "last_check", lambda: found)
    assert "<strong>Yes, to #2</strong>" in page(desk, "/")


def test_an_action_shows_five_stations_and_the_guard_that_decided(desk, scene):
    text = page(desk, f"/actions/{scene.actions['denied']}/")
    names = ("Propose", "Record", "Claim", "Act", "Settle")
    assert all(f"<b>{name}</b>" in text for name in names)
    assert re.search(r'class="hit">grant<span class="vh"> decided', text)


def test_a_run_shows_question_and_answer(desk, scene):
    text = page(desk, f"/runs/{scene.run}/")
    assert "Restart the service" in text
    assert "0.9 sure" in text
    assert "the symptom is no_answer" in text


def test_what_is_not_there_is_a_plain_404(desk, scene):
    for path in (
        "/tickets/INC-99999/",
        "/ledger/999/",
        "/ledger/99999999999999999999/",
        "/runs/00000000-0000-0000-0000-000000000000/",
        "/nothing/",
    ):
        answer = desk.get(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.content.decode()


def test_a_silent_process_is_named_with_what_it_means(desk, scene):
    scene.one("audit_writer", "SELECT audit.alive('recorder')")
    scene.one(
        "owner", "UPDATE audit_heartbeat SET at = at - interval '1 minute' WHERE name = 'agent'"
    )
    text = page(desk, "/")
    assert "The agent is silent" in text
    assert "The recorder is silent" not in text


def test_a_part_that_did_not_change_is_a_304(desk, scene, monkeypatch):
    monkeypatch.setattr("ethops.world.change.FRESH_SECONDS", 10**9)
    first = desk.get("/now/live/")
    again = desk.get("/now/live/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_304_costs_few_queries(desk, scene, monkeypatch):
    monkeypatch.setattr("ethops.world.change.FRESH_SECONDS", 10**9)
    tag = desk.get("/now/live/")["ETag"]
    with CaptureQueriesContext(connection) as caught:
        desk.get("/now/live/", headers={"If-None-Match": tag})
    assert len(caught) == 3  # session, person, what is newest


def test_a_part_that_changed_is_drawn_anew(desk, api, scene, monkeypatch):
    monkeypatch.setattr("ethops.world.change.FRESH_SECONDS", 10**9)
    path = f"/tickets/{scene.ticket}/live/"
    tag = desk.get(path)["ETag"]
    api.post(f"/api/v1/tickets/{scene.ticket}/comment", {"text": "News."}, format="json")
    answer = desk.get(path, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert "News." in answer.content.decode()


def key_of(text):
    return re.search(r'name="key" value="([^"]+)"', text)[1]


def test_a_note_is_added_once_however_often_it_is_pressed(desk, scene):
    path = f"/tickets/{scene.ticket}/"
    form = {"act": "note", "key": key_of(page(desk, path)), "text": "I look."}
    desk.post(path, form)
    desk.post(path, form)
    assert page(desk, path).count("I look.") == 1


def test_an_empty_note_is_asked_for_again_and_loses_nothing(desk, scene):
    path = f"/tickets/{scene.ticket}/"
    answer = desk.post(
        path, {"act": "note", "key": key_of(page(desk, path)), "text": " ", "private": "on"}
    )
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Write what you want to say." in text
    assert 'name="private" checked' in text


def test_who_takes_a_ticket_has_it_and_ends_its_run(desk, scene):
    path = f"/tickets/{scene.ticket}/"
    text = desk.post(
        path, {"act": "take", "key": key_of(page(desk, path))}, follow=True
    ).content.decode()
    assert "It is yours." in text
    assert "ended by a person" in page(desk, f"/runs/{scene.run}/")


def test_a_page_that_showed_nobody_takes_a_ticket_from_nobody(desk, api, scene):
    path = f"/tickets/{scene.ticket}/"
    form = {"act": "take", "key": key_of(page(desk, path)), "instead_of": ""}
    api_of(User.objects.create_user("ben", is_staff=True)).post(
        f"/api/v1/tickets/{scene.ticket}/assign-to-me", {}, format="json"
    )
    assert (
        f"Not done: ben has {scene.ticket}." in desk.post(path, form, follow=True).content.decode()
    )
    shown = page(desk, path)
    assert "Take it from ben" in shown
    assert 'name="instead_of" value="ben"' in shown
    form |= {"key": key_of(shown), "instead_of": "ben"}
    assert "It is yours." in desk.post(path, form, follow=True).content.decode()


def test_who_has_a_ticket_gives_it_back_to_the_agents(desk, api, scene):
    path = f"/tickets/{scene.ticket}/"
    desk.post(path, {"act": "take", "key": key_of(page(desk, path))})
    text = desk.post(path, {"act": "back", "key": key_of(page(desk, path))}, follow=True)
    assert f"{scene.ticket} is with the agents again." in text.content.decode()
    said = api.get(f"/api/v1/tickets/{scene.ticket}").json()
    assert (said["assignee"], said["team"]) == ("", "responders")


def test_resolving_needs_a_sentence(desk, scene):
    path = f"/tickets/{scene.ticket}/"
    form = {"act": "move", "stimulus": "ev_resolve", "key": key_of(page(desk, path))}
    assert desk.post(path, {**form, "solution": ""}).status_code == 422
    text = desk.post(path, {**form, "solution": "Power is back."}, follow=True)
    assert f"{scene.ticket} is resolved." in text.content.decode()


def test_an_act_that_is_none_is_a_404(desk, scene):
    for form in ({"act": "delete"}, {"act": "move", "stimulus": "ev_nonsense"}):
        assert desk.post(f"/tickets/{scene.ticket}/", form).status_code == 404


def test_a_form_without_its_csrf_token_does_nothing(ada, scene):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    answer = client.post("/stop/", {"why": "?"})
    assert answer.status_code == 403
    assert "That form is too old" in answer.content.decode()


def test_the_stop_is_said_on_every_page(desk, scene):
    desk.post("/stop/", {"why": "smoke in rack 7"})
    for path in ("/", "/ledger/", f"/tickets/{scene.ticket}/", "/desk/event/", "/everything/"):
        text = page(desk, path)
        assert "<strong>Stopped</strong> by ada" in text
        assert "smoke in rack 7" in text


def test_nobody_resumes_without_the_right(bo, desk, scene):
    desk.post("/stop/", {"why": ""})
    client = Client()
    client.force_login(bo)
    client.post("/stop/", {"act": "resume", "why": "fine again"})
    assert "Stopped" in page(client, "/")
    assert "You may not resume" in page(client, "/stop/")


def test_who_may_resume_says_why(desk, scene):
    desk.post("/stop/", {"why": ""})
    assert desk.post("/stop/", {"act": "resume", "why": ""}).status_code == 422
    desk.post("/stop/", {"act": "resume", "why": "it was steam"})
    assert "<strong>Stopped</strong>" not in page(desk, "/")


def test_two_who_stop_at_once_both_stop(desk, scene):
    drawn = page(desk, "/stop/")
    form = dict(re.findall(r'name="(act)" value="(\w+)"', drawn))
    for why in ("smoke", "I see it too", "x" * 3000, "\0"):
        assert desk.post("/stop/", {**form, "why": why}).status_code == 302
        assert "<strong>Stopped</strong> by ada" in page(desk, "/")


def test_two_who_resume_at_once_resume(desk, scene):
    for _ in range(2):
        text = desk.post("/stop/", {"act": "resume", "why": "steam"}, follow=True).content.decode()
        assert "Nothing is stopped: somebody has resumed before you." in text


def test_the_api_is_a_page_that_a_person_can_open(desk, api):
    answer = desk.get("/everything/api/")
    text = html.unescape(answer.content.decode())
    assert answer["Content-Type"].startswith("text/html")
    paths = re.findall(
        r"^  (/api/v1/\S+):$", api.get("/api/v1/schema").content.decode(), re.MULTILINE
    )
    assert len(paths) > 80
    assert [path for path in paths if f">{path}<" not in text] == []
    assert "/everything/api/" in page(desk, "/everything/")
    assert Client().get("/everything/api/")["Location"].startswith("/login/")


def test_the_ledger_takes_any_filter_without_a_fault(desk, scene):
    for query in ("?ticket=%00", "?kind=%00", "?before=x", f"?before={'9' * 40}"):
        assert desk.get(f"/ledger/{query}").status_code == 200, query


def test_a_filter_that_keeps_nothing_is_named_with_a_way_back(desk, scene):
    text = page(desk, "/ledger/?ticket=INC-77777")
    assert "No entry fits this filter." in text
    assert "All entries" in text


def away(*_: object) -> None:
    raise OperationalError("password of ethops_app is wrong")


def test_a_database_that_is_away_is_said_in_words(desk, monkeypatch):
    monkeypatch.setattr("ethops.world.house.house", away)
    answer = desk.get("/")
    text = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "PostgreSQL does not answer" in text
    assert "ethops_app" not in text


def test_a_fault_of_ours_is_said_without_its_inside(desk, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("ethops.world.house.house", broken)
    answer = desk.get("/")
    assert answer.status_code == 500
    assert "This did not work" in answer.content.decode()
    assert "inside" not in answer.content.decode()


def test_a_fault_of_the_api_is_a_problem(ada, monkeypatch):
    monkeypatch.setattr("ethops.world.house.stop", away)
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    answer = client.get("/api/v1/stop")
    assert (answer.status_code, answer.json()["code"]) == (503, "database.away")
