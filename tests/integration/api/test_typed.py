"""A form that is refused is shown again with what was typed, or says it where there is none."""

import html
import re
from uuid import uuid4

import pytest
from django.test import Client

from adapters.cmdb.models import Proposal
from adapters.telemetry import taken
from ethops.desk import discovery

WHY = "Because <b>I</b> know of it & more"
LONG = f"{WHY} {'x' * 2000}"
CODE = "836251"


def kept(answer, name="why"):
    """What stands in the fields of this name, as the browser reads them."""
    text = answer.content.decode()
    areas = re.findall(rf'<textarea name="{name}"[^>]*>([^<]*)</textarea>', text)
    lines = re.findall(rf'<input type="text" name="{name}" [^>]*?value="([^"]*)"', text)
    return [found for found in map(html.unescape, areas + lines) if found]


def ticket(scene):
    return f"/tickets/{scene.ticket}/"


def approval(scene):
    return f"/approvals/{scene.proposed()}/"


def proposal(_scene):
    taken.bury(raw=b"x", routing_key="telemetry.web-09.lines", message_id="1", why="no one")
    discovery.look()
    return f"/cmdb/proposals/{Proposal.objects.get().pk}/"


def card(scene):
    scene.one("owner", "UPDATE personas_card SET digest = %s RETURNING 1", "c" * 64)
    return "/cards/responder/"


def run(scene):
    return f"/runs/{scene.run}/"


def verdict(scene):
    return f"/actions/{scene.actions['done']}/verdict/"


def breaker(_scene):
    return "/autonomy/breaker/open/"


def autonomy(_scene):
    return "/autonomy/"


PAGES = [
    (ticket, "other", {"act": "link", "kind": "related", "other": WHY[:16]}),
    (ticket, "who", {"act": "watch", "who": WHY}),
    (ticket, "why", {"act": "major", "why": LONG}),
    (ticket, "text", {"act": "note", "text": WHY * 200}),
    (approval, "why", {"act": "approve", "why": WHY, "shown": "0" * 64}),
    (approval, "why", {"act": "approve", "why": WHY}),
    (approval, "why", {"act": "reject", "why": LONG}),
    (proposal, "why", {"act": "accept", "why": WHY}),
    (proposal, "why", {"act": "decline", "why": WHY, "shown": "0" * 64}),
    (card, "why", {"digest": "d" * 64, "why": WHY}),
    (card, "why", {"digest": "d" * 64, "why": LONG}),
    (run, "why", {"act": "resume", "why": WHY}),
    (run, "why", {"act": "dance", "why": WHY}),
    (run, "why", {"act": "pause", "why": LONG}),
    (verdict, "why", {"verdict": "maybe", "why": WHY}),
    (verdict, "why", {"verdict": "right", "why": LONG}),
    (breaker, "why", {"why": LONG}),
    (autonomy, "why", {"triple": "x", "level": "act", "why": WHY}),
]
"""Page, the field that is typed into, and a form that is refused there."""


@pytest.mark.parametrize("page", dict.fromkeys(page for page, *_ in PAGES))
def test_what_was_typed_is_typed_still_and_a_code_is_not(desk, scene, page):
    path = page(scene)
    for name, form in [each[1:] for each in PAGES if each[0] == page]:
        answer = desk.post(path, {"key": str(uuid4()), "code": CODE, **form})
        assert answer.status_code == 422, form
        assert kept(answer, name) == [form[name]]
        assert kept(answer, "code") == []
        assert CODE not in answer.content.decode()
        assert 'role="alert" tabindex="-1"' in answer.content.decode()


def lost(answer):
    found = re.search(r"no field for it any more</b><span>([^<]*)</span>", answer.content.decode())
    return html.unescape(found[1])


def test_what_was_typed_into_a_move_that_is_over_is_shown(desk, scene):
    form = {"act": "move", "stimulus": "ev_resolve", "solution": WHY}
    assert desk.post(ticket(scene), {**form, "key": str(uuid4())}).status_code == 302
    answer = desk.post(ticket(scene), {**form, "key": str(uuid4())})
    assert (answer.status_code, lost(answer)) == (422, WHY)
    assert "Not done: " in answer.content.decode()


def test_what_was_typed_into_a_form_that_one_may_not_send_is_shown(bo, scene):
    client = Client()
    client.force_login(bo)
    for page in (breaker, card, proposal):
        answer = client.post(page(scene), {"digest": "d" * 64, "why": WHY, "code": CODE})
        assert (answer.status_code, lost(answer)) == (422, WHY), page
        assert CODE not in answer.content.decode()
