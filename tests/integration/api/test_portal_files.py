"""Files at the portal: the requester's own, never opened, never shown in a page's place."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from adapters.tickets.beside import File
from adapters.tickets.models import Attachment, LogLine, Ticket
from adapters.tickets.port import Note
from ethops.executor import tickets
from ethops.guests import links
from ethops.guests.knocks import Bound
from ethops.portal import bounds, files
from tests.doubles.knocks import one_slot as _one_slot
from tests.integration.api.test_portal import people, text_of, told, visit  # noqa: F401
from tests.integration.api.test_ticket_doors import opened

one_slot = _one_slot
SMOKE = {"title": "The printer is on fire", "hinders": "many"}


def file(name="smoke.png", content=b"\x89PNG", kind="image/png"):
    return SimpleUploadedFile(name, content, kind)


def sent(*those, **form):
    return {**form, "key": str(uuid4()), files.FIELD: list(those)}


def kept(**of):
    return sorted(Attachment.objects.filter(**of).values_list("name", "visibility", "by"))


def test_what_comes_with_a_new_ticket_is_kept_with_it_once(visit):  # noqa: F811
    mia, form = visit("mia"), sent(file(), file("log.txt", b"hot", "text/plain"), **SMOKE)
    for _ in range(2):
        answer = mia.post("/portal/new/", form, follow=True)
        form[files.FIELD] = [file(), file("log.txt", b"hot", "text/plain")]
    (made,) = Ticket.objects.filter(requester="mia")
    assert kept() == [("log.txt", "public", "mia"), ("smoke.png", "public", "mia")]
    assert f"/portal/tickets/{made.ref}/files/" in text_of(answer)
    assert len(told("ticket.attached")) == 2
    assert all(LogLine.objects.filter(ticket=made, n__gt=1).values_list("tainted", flat=True))


def test_a_request_of_the_catalogue_takes_files_too(visit, catalogue):  # noqa: F811
    form = sent(file(), hours="3", begin="2026-03-02 14:00")
    assert visit("mia").post("/portal/new/gpu/", form).status_code == 302
    assert kept() == [("smoke.png", "public", "mia")]


def test_what_is_wrong_with_files_is_said_with_all_else_and_nothing_is_filed(visit):  # noqa: F811
    form = sent(file(content=b""), title=" ", description="My story", hinders="me")
    text = text_of(answer := visit("mia").post("/portal/new/", form))
    assert answer.status_code == 422
    assert "2 fields need a change. Nothing you typed is lost." in text
    assert 'id="files-wrong"' in text
    assert 'id="new-title-wrong"' in text
    assert "My story" in text
    assert "smoke.png is empty. Choose your files again." in text
    assert not Ticket.objects.filter(requester="mia").exists()


@pytest.mark.parametrize(
    ("those", "says"),
    [
        ([file(content=b"x" * 600_000), file(content=b"x" * 600_000)], "more than 1.0"),
        ([file() for _ in range(files.MOST + 1)], "These are 6 files; send 5 at a time."),
        ([file("a"), file("b", b""), file("c", b"")], "b, c are empty."),
    ],
)
def test_too_much_is_refused_whole(visit, settings, those, says):  # noqa: F811
    settings.ETHOPS_ATTACHMENT_MIB = 1
    answer = visit("mia").post("/portal/new/", sent(*those, **SMOKE))
    assert (answer.status_code, kept()) == (422, [])
    assert says in text_of(answer)


def test_files_alone_are_an_answer_and_end_the_waiting_for_it(visit, role):  # noqa: F811
    ref = opened("incident", "")
    role("owner").execute(
        "UPDATE tickets_ticket SET state = 'pending', pending_reason = 'requester', team = 'people'"
        " WHERE ref = %s", [ref],
    )  # fmt: skip
    visit("rhea").post(f"/portal/tickets/{ref}/", sent(file(), act="answer", text=" "))
    assert Ticket.objects.get(ref=ref).state == "assigned"
    assert kept(ticket=ref) == [("smoke.png", "public", "rhea")]


def test_a_ticket_that_takes_no_more_says_so_beside_the_field_and_keeps_the_answer(
    visit,  # noqa: F811
    monkeypatch,
):
    monkeypatch.setattr("adapters.tickets.attachments.MOST_OF_A_TICKET", 1)
    ref = opened("incident", "")
    form = sent(file("a"), file("b"), act="answer", text="Two more")
    answer = visit("rhea").post(f"/portal/tickets/{ref}/", form)
    text = text_of(answer)
    assert answer.status_code == 422
    assert 'id="files-wrong"' in text
    assert ">Two more</textarea>" in text
    assert kept() == []
    assert not LogLine.objects.filter(ticket_id=ref, text="Two more").exists()


def test_who_only_approves_attaches_nothing(visit, catalogue):  # noqa: F811
    ref = opened("request", "with_approver")
    assert 'type="file"' not in text_of(visit("lea").get(f"/portal/tickets/{ref}/"))
    answer = visit("lea").post(f"/portal/tickets/{ref}/", sent(file(), act="answer", text="x"))
    assert (answer.status_code, kept()) == (422, [])


@pytest.fixture
def three(people):  # noqa: F811
    """A ticket of rhea's with a file for everybody, one of the desk alone, and a hostile one."""
    ref = opened("incident", "")
    everybody, desk = Note("", "rhea", "person"), Note("", "rhea", "person", "private")
    for name, kind, note in (
        ("plan.html", "text/html", everybody),
        ("secret.txt", "text/plain", desk),
        ('../<b>"x".svg\r\nX-Evil: 1', "image/svg+xml", everybody),
    ):
        tickets.attach(key=uuid4(), ref=ref, file=File(name, kind, b"<script>"), note=note)
    return ref, dict(Attachment.objects.values_list("media_type", "n"))


def test_a_file_is_saved_and_never_shown(visit, three):  # noqa: F811
    ref, lines = three
    for kind in ("text/html", "image/svg+xml"):
        got = visit("rhea").get(f"/portal/tickets/{ref}/files/{lines[kind]}/")
        assert (got.status_code, got.content) == (200, b"<script>")
        assert got.headers["Content-Type"] == "application/octet-stream"
        assert got.headers["Content-Disposition"].startswith("attachment; ")
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "X-Evil" not in got.headers


def test_private_files_are_not_there_for_a_requester(visit, three):  # noqa: F811
    ref, lines = three
    text = text_of(visit("rhea").get(f"/portal/tickets/{ref}/"))
    assert "plan.html" in text
    assert "secret.txt" not in text
    assert "&lt;b&gt;" in text
    assert "<b>&quot;" not in text
    for n in (lines["text/plain"], 1, 999):
        assert visit("rhea").get(f"/portal/tickets/{ref}/files/{n}/").status_code == 404


def test_anothers_files_are_not_there_and_a_link_opens_its_own(visit, three):  # noqa: F811
    ref, lines = three
    place = f"/portal/tickets/{ref}/files/{lines['text/html']}/"
    for name in ("mia", "otto", "lea"):
        assert visit(name).get(place).status_code == 404, name
    guest = Client()
    assert guest.get(place).status_code == 404
    guest.get(f"/portal/l/{links.make(ref=ref, person='rhea', by='test')}/")
    assert guest.get(place).status_code == 200
    assert guest.post(f"/portal/tickets/{ref}/", sent(file(), act="answer")).status_code == 302
    assert ("smoke.png", "public", "rhea") in kept(ticket=ref)


@pytest.mark.usefixtures("one_slot")
def test_a_program_that_attaches_is_held_back(visit, monkeypatch):  # noqa: F811
    monkeypatch.setattr(bounds, "ATTACH", Bound("portal attach", 2, 3_600))
    ref = opened("incident", "")
    form = sent(file(), file(), file(), act="answer", text="Mine")
    answer = visit("rhea").post(f"/portal/tickets/{ref}/", form)
    assert (answer.status_code, kept()) == (429, [])
    assert ">Mine</textarea>" in text_of(answer)
