"""A notice is acknowledged by a button, never by being looked at; the handover is a page."""

from datetime import time
from uuid import uuid4

import pytest
from django.test import Client

from adapters.tickets import embedded
from adapters.tickets.port import TicketDraft
from ethops.desk import noticing
from ethops.notify.models import Contact, Notice, Rule
from tests.integration.api.conftest import api_of


@pytest.fixture(autouse=True)
def _mail(settings):
    settings.ETHOPS_SMTP_URL = "smtp://127.0.0.1:1"


def waiting():
    """A notice to ops that nobody has acknowledged."""
    Contact.objects.create(name="ops", kind="mail", target="ops@example.org")
    Rule.objects.create(
        name="All", occasion="opened", whom="contact", contact="ops", until_acknowledged=True
    )
    draft = TicketDraft("incident", "It <b>hangs</b>", "", 2, 2, "mia", "person")
    ref = embedded.Writer().open(uuid4(), draft).ref
    noticing.tell()
    return ref, Notice.objects.get(ticket_ref=ref)


def test_a_look_acknowledges_nothing_and_the_button_does():
    _, notice = waiting()
    guest = Client()
    text = guest.get(f"/portal/notices/{notice.pk}/").content.decode()
    assert "I have it" in text
    assert "<b>hangs" not in text
    assert Notice.objects.get(pk=notice.pk).acknowledged_at is None
    text = guest.post(f"/portal/notices/{notice.pk}/", follow=True).content.decode()
    assert "ops has it since" in text
    assert Notice.objects.get(pk=notice.pk).acknowledged_by == "ops"


def test_a_made_up_notice_is_not_there():
    assert Client().post(f"/portal/notices/{uuid4()}/").status_code == 404


def test_somebody_of_the_desk_acknowledges_in_his_own_name_by_page_and_api(desk, bo):
    _, notice = waiting()
    answer = api_of(bo).post(f"/api/v1/notices/{notice.pk}/acknowledge", {}, format="json")
    assert (answer.status_code, answer.json()) == (200, {"acknowledged_by": "bo", "new": True})
    again = api_of_again(bo).post(f"/api/v1/notices/{notice.pk}/acknowledge", {}, format="json")
    assert again.json() == {"acknowledged_by": "bo", "new": False}
    missing = api_of_again(bo).post(f"/api/v1/notices/{uuid4()}/acknowledge", {}, format="json")
    assert missing.status_code == 404


def api_of_again(user):
    from rest_framework.authtoken.models import Token
    from rest_framework.test import APIClient

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.get(user=user).key}")
    return client


def test_strangers_acknowledge_nothing_by_the_api(cy):
    _, notice = waiting()
    assert api_of(cy).post(f"/api/v1/notices/{notice.pk}/acknowledge").status_code == 403
    assert Notice.objects.get(pk=notice.pk).acknowledged_at is None


def test_the_handover_says_what_waits(desk, scene):
    waiting()
    text = desk.get("/handover/").content.decode()
    assert "Nobody has acknowledged: P3 [" in text
    assert "It &lt;b&gt;hangs&lt;/b&gt;" in text
    assert desk.get("/handover/?hours=../../etc").status_code == 200


def test_a_contact_with_everything_wrong_says_so_beside_its_fields(desk):
    form = {
        "name": "ops", "kind": "mail", "target": "nowhere", "zone": "Mars/Base",
        "quiet_from": "22:00", "quiet_to": "", "handover_at": "late", "escalates_to": "ghost",
    }  # fmt: skip
    answer = desk.post("/notify/contact/add/", form)
    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"target", "zone", "quiet_to", "handover_at", "escalates_to"}
    assert not Contact.objects.exists()
    good = {
        "name": "ops", "kind": "mail", "target": "ops@example.org", "zone": "Europe/Berlin",
        "quiet_from": "22:00", "quiet_to": "07:00", "handover_at": "", "escalates_to": "",
    }  # fmt: skip
    assert desk.post("/notify/contact/add/", good).status_code == 302
    assert Contact.objects.get().quiet_to == time(7)


def test_a_rule_with_everything_wrong_says_so_beside_its_fields(desk):
    form = {
        "name": "x", "occasion": "opened", "whom": "contact", "contact": "", "ticket_class": "war",
        "priorities": "P9", "states": "lost", "service": "",
    }  # fmt: skip
    answer = desk.post("/notify/rule/add/", form)
    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"ticket_class", "priorities", "states", "contact"}
