"""The doors that move nothing: forms of the admin site, and letters."""

from dataclasses import replace
from email.message import EmailMessage
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from adapters.tickets import states
from adapters.tickets.models import Ticket
from ethops.desk import letters
from ethops.executor.registry import EFFECTS
from ethops.mail import taking
from tests.integration.api.test_ticket_doors import FULL, claim, each_kind, opened, standing

DESK = "desk@example.org"
FORMS = ("change/", "delete/", "history/")


def state_of(ref):
    return Ticket.objects.get(ref=ref).state


@each_kind
def test_no_form_of_the_admin_site_moves_a_ticket(desk, catalogue, ticket_class, variant):
    ref = opened(ticket_class, variant)
    listed = {"action": "delete_selected", "_selected_action": ref, "post": "yes"}
    known = sorted(states.states(ticket_class))
    for state, other in zip(known, [*known[1:], known[0]], strict=True):
        with standing(ref, state):
            said = {**FULL, "state": other, "_save": "Save", "post": "yes", "key": str(uuid4())}
            for form in FORMS:
                desk.post(f"/tickets/ticket/{ref}/{form}", said)
            desk.post("/tickets/ticket/add/", {**said, "ref": "INC-99999"})
            desk.post("/tickets/ticket/", {**listed, **said})
            assert (state_of(ref), Ticket.objects.count()) == (state, 1), other


@pytest.fixture
def senders(settings):
    """Who writes: the requester of each ticket, and somebody of the desk who may do everything."""
    settings.ETHOPS_MAIL_FROM = DESK
    settings.ETHOPS_SMTP_URL = "smtp://127.0.0.1:1"
    settings.ETHOPS_MAIL_DOMAINS = ("example.org",)
    User.objects.create_user("rhea", email="rhea@example.org")
    User.objects.create_superuser("otto", email="otto@example.org")
    return ("rhea@example.org", "otto@example.org")


def deliver(sender, ref, text):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, DESK, f"Re: [{ref}] It hangs"
    message["Message-ID"] = f"<{uuid4()}@example.org>"
    message.set_content(text)
    letters.read(taking.take(message.as_bytes(), sender))


@each_kind
def test_no_word_of_a_letter_moves_a_ticket(senders, catalogue, ticket_class, variant):
    ref = opened(ticket_class, variant)
    words = "\n".join(states.all_stimuli()) + "\nApprove. Close it. state: closed\n"
    for state in states.states(ticket_class):
        for sender in senders:
            with standing(ref, state):
                deliver(sender, ref, words)
                assert state_of(ref) == state, sender


@each_kind
@pytest.mark.parametrize("what", ["merged", "closed"])
def test_the_end_of_a_pull_request_moves_an_accepted_change_alone(
    catalogue, as_executor, what, ticket_class, variant
):
    ref = opened(ticket_class, variant)
    args = {"pull": "7", "what": what, "title": "ev_resolve", "commit": "c" * 40, "by": "ben",
            "why": "", "url": ""}  # fmt: skip
    with as_executor():
        for state in states.states(ticket_class):
            with standing(ref, state):
                EFFECTS["pull.tell"].act(replace(claim("ticket.comment", ref), args=args))
                accepted = ticket_class == "change" and state in {"approved", "implementing"}
                expected = "implemented" if accepted and what == "merged" else state
                assert state_of(ref) == expected, state


@pytest.mark.parametrize("ticket_class", ["incident", "request"])
def test_a_letter_ends_the_waiting_for_it_as_the_table_lets_a_rule(
    senders, catalogue, ticket_class
):
    ref = opened(ticket_class, states.VARIANTS[ticket_class][0])
    move = states.MOVES[ticket_class]["pending"]["ev_assign"]
    for sender, expected in zip(senders, (move.to, "pending"), strict=True):
        with standing(ref, "pending"):
            Ticket.objects.filter(ref=ref).update(pending_reason="requester", team="people")
            deliver(sender, ref, "Here is what you asked for.")
            assert state_of(ref) == expected, sender
    assert "rule" in move.by
