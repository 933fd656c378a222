"""Letters over real sockets: kept before they are acknowledged, threaded, and never obeyed."""

import os
import smtplib
import threading
from email.message import EmailMessage
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection

from adapters.tickets import embedded
from adapters.tickets.models import Attachment, LogLine, Ticket, Watcher
from adapters.tickets.port import Note, TicketDraft, Vouched
from audit.models import Work
from ethops.desk import letters, noticing, work
from ethops.executor import mailing, tickets
from ethops.executor.told import Told
from ethops.guests.models import Link
from ethops.mail import listener, taking
from ethops.mail.models import Letter
from ethops.notify.models import Notice
from ethops.stack.ports import free_ports
from personas.models import Action
from tests.doubles.knocks import one_slot as _one_slot
from tests.doubles.mail_sink import sink
from tests.waiting import eventually

one_slot = _one_slot
DESK = "desk@example.org"
MIA = "mia@example.org"
OPERATOR = Vouched(frozenset({"operator"}))


@pytest.fixture(autouse=True)
def _house(clean_db, settings):
    settings.ETHOPS_MAIL_FROM = DESK
    settings.ETHOPS_SMTP_URL = "smtp://127.0.0.1:1"
    settings.ETHOPS_MAIL_DOMAINS = ("example.org",)


@pytest.fixture
def door(settings):
    """The listener as the control worker runs it; yields its port."""
    port = free_ports().web
    settings.ETHOPS_MAIL_LISTEN = f"smtp://127.0.0.1:{port}"
    stop = threading.Event()
    thread = threading.Thread(target=listener.run, args=(stop,))
    thread.start()

    def greets():
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=5):
                return True
        except OSError:
            return False

    eventually(greets)
    yield port
    stop.set()
    thread.join()


def made(text="It still hangs.", sender=MIA, subject="It hangs", **headers):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, DESK, subject
    message["Message-ID"] = headers.pop("Message_ID", f"<{uuid4()}@example.org>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def send(port, message, envelope=MIA, to=DESK):
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        smtp.send_message(message, from_addr=envelope, to_addrs=[to])


def deliver(message, envelope=MIA):
    """The same without a socket: taken in and read; returns the letter."""
    number = taking.take(message.as_bytes(), envelope)
    letters.read(number)
    return Letter.objects.get(pk=number)


def opened(requester=MIA):
    draft = TicketDraft("incident", "It hangs", "", 2, 2, requester, "person")
    return embedded.Writer().open(uuid4(), draft, OPERATOR).ref


def said(ref):
    lines = LogLine.objects.filter(ticket_id=ref, n__gt=1).order_by("n")
    return [(one.author, one.visibility, one.tainted, one.text) for one in lines]


# ---------------------------------------------------------------- the door


def test_a_letter_over_the_wire_becomes_a_ticket(door):
    send(door, made("The printer burns.\n", subject="Re: Printer"))
    letter = Letter.objects.get()
    assert letter.state == "stored"
    assert work.drain() >= 1
    letter.refresh_from_db()
    ticket = Ticket.objects.get(ref=letter.ticket_ref)
    assert (letter.state, ticket.title, ticket.requester) == ("filed", "Printer", MIA)
    assert (ticket.priority, ticket.description) == ("P4", "By mail:\nThe printer burns.")


def test_a_letter_for_somebody_else_is_not_relayed(door):
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(door, made(), to="victim@elsewhere.example")
    assert not Letter.objects.exists()


def test_the_same_letter_delivered_again_is_one_letter(door):
    message = made()
    for _ in range(3):
        send(door, message)
    work.drain()
    assert Letter.objects.get().repeats == 2
    assert Ticket.objects.count() == 1


@pytest.mark.usefixtures("one_slot")
def test_a_sender_who_sends_without_end_is_told_to_come_later(door):
    with smtplib.SMTP("127.0.0.1", door, timeout=30) as smtp:
        for _ in range(taking.FROM_ONE.most):
            smtp.send_message(made(), from_addr=MIA, to_addrs=[DESK])
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.send_message(made(), from_addr=MIA, to_addrs=[DESK])
    assert refused.value.smtp_code == 450
    assert Letter.objects.count() == taking.FROM_ONE.most


def test_a_file_of_thirty_megabytes_is_refused_in_words_and_the_text_is_kept(door):
    message = made("Here is the film.")
    message.add_attachment(
        os.urandom(30_000_000), maintype="video", subtype="mp4", filename="film.mp4"
    )
    message.add_attachment(b"small", maintype="text", subtype="x-log", filename="a.log")
    send(door, message)
    work.drain()
    letter = Letter.objects.get()
    assert letter.state == "filed"
    ticket = Ticket.objects.get(ref=letter.ticket_ref)
    assert ticket.description == "By mail:\nHere is the film."
    assert [one.name for one in Attachment.objects.filter(ticket=ticket)] == ["a.log"]
    notice = Notice.objects.get(rule="mail")
    assert notice.target == MIA
    assert "film.mp4 has 30000000 bytes" in notice.text
    noticing.tell()
    assert "film.mp4" in str([one.args for one in Action.objects.filter(verb="notify")])


def test_what_a_house_without_a_database_cannot_keep_stays_with_who_delivers_it(door, monkeypatch):
    def away(*_):
        from django.db import OperationalError

        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(taking, "take", away)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(door, made())
    assert refused.value.smtp_code == 451
    send(door, made())
    assert Letter.objects.count() == 1


# ---------------------------------------------------------------- out, and back


def test_an_answer_to_our_letter_lands_in_its_ticket(door, settings):
    port = free_ports().web
    settings.ETHOPS_SMTP_URL = f"smtp://127.0.0.1:{port}"
    settings.ETHOPS_URL = "https://desk.example.org"
    ref = opened()
    noticing.tell()
    ordered = Action.objects.get(verb="notify")
    with sink(port) as box:
        mailing.send(Told(MIA, ordered.args["title"], ordered.args["text"], ref, str(ordered.pk)))
    (ours,) = box.letters
    assert ours["Subject"] == f"[{ref}] It hangs"
    assert ours["Auto-Submitted"] == "auto-generated"
    body = ours.get_content()
    assert "https://desk.example.org/portal/l/" in body
    assert (Link.objects.get().person, Link.objects.get().ticket_ref) == (MIA, ref)
    assert "{link}" in ordered.args["text"], "no row holds the secret"
    # Another subject, the thread alone leads back.
    quoted = "".join(f"> {line}\n" for line in body.splitlines())
    reply = made(
        f"Yes, it still does.\n\nOn Monday, desk wrote:\n{quoted}", subject="AW: what?",
        In_Reply_To=ours["Message-ID"], References=ours["References"],
    )  # fmt: skip
    send(door, reply)
    work.drain()
    assert said(ref) == [(MIA, "public", True, "By mail:\nYes, it still does.")]
    assert Ticket.objects.count() == 1


def test_our_own_letter_that_comes_back_goes_no_further(settings):
    port = free_ports().web
    settings.ETHOPS_SMTP_URL = f"smtp://127.0.0.1:{port}"
    ref = opened()
    with sink(port) as box:
        mailing.send(Told(MIA, "It hangs", "We look.", ref, "k-1"))
    letter = deliver(box.letters[0])
    assert letter.state == "dropped"
    assert said(ref) == []


def test_two_desks_do_not_answer_each_other_without_end():
    ref = opened()
    for _ in range(5):
        auto = made("I am away.", subject=f"[{ref}] away", Auto_Submitted="auto-replied")
        assert deliver(auto).state == "dropped"
    assert said(ref) == []
    noticing.tell()
    assert Action.objects.filter(verb="notify").count() == 1, "that it is filed, and no more"


# ---------------------------------------------------------------- who may say what where


def test_the_ref_in_the_subject_is_enough_for_who_has_to_do_with_it():
    ref = opened()
    assert deliver(made(subject=f"Fwd: [{ref}] x")).state == "answered"
    assert said(ref)[0][3] == "By mail:\nIt still hangs."


def test_a_forged_ref_does_not_reach_another_s_ticket():
    ref = opened("rhea@example.org")
    letter = deliver(made("Close it, I am the boss.", subject=f"[{ref}] x"))
    assert (letter.state, said(ref)) == ("filed", [])
    assert letter.ticket_ref != ref


def test_a_watcher_answers_and_a_stranger_does_not():
    ref = opened()
    Watcher.objects.create(ticket_id=ref, address="w@else.example", why="asked", by="otto")
    assert deliver(made(sender="w@else.example", subject=f"[{ref}]")).state == "answered"
    letter = deliver(made(sender="evil@else.example", subject=f"[{ref}]"))
    assert (letter.state, letter.reason) == ("refused", "mail.unknown_sender")
    assert len(said(ref)) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT body::text FROM audit_pending WHERE kind = 'event.refused_guest'")
        assert "evil@else.example" in cursor.fetchone()[0]


def test_what_the_site_s_server_found_forged_is_refused():
    ref = opened()
    letter = deliver(made(subject=f"[{ref}]", Authentication_Results="mx; dmarc=fail"))
    assert (letter.state, letter.reason, said(ref)) == ("refused", "mail.forged", [])


def test_a_letter_of_the_desk_is_a_line_and_no_more():
    User.objects.create_user("otto", email="otto@else.example", is_staff=True)
    ref = opened()
    letter = deliver(
        made("Resolved. Approve it. Close.", sender="otto@else.example", subject=f"[{ref}]")
    )
    assert letter.state == "answered"
    assert Ticket.objects.get(ref=ref).state == "new"
    assert said(ref) == [("otto", "public", True, "By mail:\nResolved. Approve it. Close.")]


def test_an_answer_ends_the_waiting_for_it(role):
    ref = opened()
    role("owner").execute(
        "UPDATE tickets_ticket SET state = 'pending', pending_reason = 'requester', team = 'people'"
        " WHERE ref = %s", [ref],
    )  # fmt: skip
    deliver(made("Never close this!", subject=f"[{ref}]"))
    assert Ticket.objects.get(ref=ref).state == "assigned"


def test_an_answer_to_what_is_closed_is_a_new_ticket(role):
    ref = opened()
    role("owner").execute("UPDATE tickets_ticket SET state = 'closed' WHERE ref = %s", [ref])
    letter = deliver(made(subject=f"[{ref}] again"))
    assert letter.state == "filed"
    assert Ticket.objects.get(ref=letter.ticket_ref).title == "again"


def test_one_letter_under_two_ways_is_one_line():
    ref = opened()
    once = {"Message_ID": "<same@example.org>", "subject": f"[{ref}]"}
    deliver(made(**once))
    deliver(made(**once, X_Way="another"))
    assert len(said(ref)) == 1


def test_a_page_with_scripts_is_its_text():
    message = made("x")
    message.set_content("<script>alert(1)</script><p>It hangs</p>", subtype="html")
    letter = deliver(message)
    assert Ticket.objects.get(ref=letter.ticket_ref).description == "By mail:\nIt hangs"


@pytest.mark.parametrize("raw", [b"", b"\xff\x00" * 99, b"From: <<>>\n\n" + b"x" * 50_000])
def test_a_broken_letter_is_refused_and_kept(raw):
    number = taking.take(raw, "somebody@else.example")
    letters.read(number)
    letter = Letter.objects.get(pk=number)
    assert (letter.state, bytes(letter.raw)) == ("refused", raw)


def test_a_letter_that_is_read_again_does_nothing_again():
    number = taking.take(made().as_bytes(), MIA)
    letters.read(number)
    letters.read(number)
    assert Ticket.objects.count() == 1
    assert Work.objects.filter(kind="intake").count() == 1


def test_files_of_a_letter_hang_on_its_ticket():
    ref = opened()
    message = made(subject=f"[{ref}]")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="../../x.png")
    deliver(message)
    found = Attachment.objects.get(ticket_id=ref)
    assert (found.name, found.by, found.visibility) == ("x.png", MIA, "public")


def test_a_private_line_is_never_sent():
    ref = opened()
    tickets.comment_by_person(
        key=uuid4(), ref=ref, person="otto", text="He is a fool.", visibility="private"
    )
    embedded.Writer().comment(uuid4(), ref, Note("For all.", "otto", "person"))
    noticing.tell()
    told = str(list(Action.objects.filter(verb="notify").values_list("args", flat=True)))
    assert "For all." in told
    assert "fool" not in told


@pytest.mark.processes
def test_a_letter_to_the_control_worker_becomes_a_ticket(start_process):
    port = free_ports().web
    start_process(
        "control",
        ETHOPS_MAIL_LISTEN=f"lmtp://127.0.0.1:{port}",
        ETHOPS_MAIL_FROM=DESK,
        ETHOPS_MAIL_DOMAINS="example.org",
    )

    def delivered():
        try:
            with smtplib.LMTP("127.0.0.1", port, timeout=10) as lmtp:
                lmtp.send_message(made(subject="Over LMTP"), from_addr=MIA, to_addrs=[DESK])
        except OSError:
            return False
        return True

    eventually(delivered, seconds=60)
    eventually(lambda: Ticket.objects.filter(title="Over LMTP").exists(), seconds=60)
