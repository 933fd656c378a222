"""Files kept with tickets, and who watches them, as the tickets contract has it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db.utils import ProgrammingError

from adapters.tickets.beside import File, Watcher
from adapters.tickets.errors import (
    DraftRefusedError,
    FileRefusedError,
    KeyReusedError,
    NotAllowedError,
    TicketNotFoundError,
)
from adapters.tickets.port import (
    NOTHING,
    Note,
    Reader,
    TicketDraft,
    Vouched,
    Writer,
)

OPERATOR = Vouched(frozenset({"operator"}))
OTTO, RHEA, EVE = (Note("", name, "person") for name in ("otto", "rhea", "eve"))
RULE, AGENT = Note("", "mail", "rule"), Note("", "triage", "agent")
DRAFT = TicketDraft("incident", "It hangs", "", 2, 2, "rhea", "person", requester="rhea")
PICTURE = File("screen.png", "image/png", b"\x89PNG and so on")
db = pytest.mark.django_db


@dataclass
class Desk:
    """One adapter under test, and a ticket that rhea has asked for."""

    reader: Reader
    writer: Writer
    ref: str

    def attach(self, file: File = PICTURE, note: Note = RHEA, vouched: Vouched = NOTHING) -> Any:
        return self.writer.attach(uuid4(), self.ref, file, note, vouched)

    def watch(self, note: Note, vouched: Vouched = NOTHING, **who: Any) -> Any:
        return self.writer.watch(uuid4(), Watcher(self.ref, **who), note, vouched)


@pytest.fixture
def desk(tickets: ModuleType, db: None) -> Desk:
    writer = tickets.Writer()
    return Desk(tickets.Reader(), writer, writer.open(uuid4(), DRAFT).ref)


# ---------------------------------------------------------------- files


def test_a_file_reads_back_whole(desk: Desk) -> None:
    deed = desk.attach()
    (kept,) = desk.reader.attachments(desk.ref)
    assert (kept.n, kept.name, kept.media_type, kept.by) == (
        *(deed.line, "screen.png", "image/png", "rhea"),
    )
    assert kept.sha256 == hashlib.sha256(PICTURE.content).hexdigest()
    assert desk.reader.content(desk.ref, kept.n) == PICTURE.content


def test_the_worklog_says_that_a_file_came_and_calls_it_text_from_outside(desk: Desk) -> None:
    deed = desk.attach()
    line = desk.reader.worklog(desk.ref)[-1]
    assert (line.n, line.text, line.tainted) == (
        *(deed.line, f"Attached screen.png, {len(PICTURE.content)} bytes.", True),
    )


def test_a_private_line_makes_a_private_file(desk: Desk) -> None:
    desk.attach(note=Note("The dump.", "otto", "person", "private"), vouched=OPERATOR)
    assert [one.visibility for one in desk.reader.attachments(desk.ref)] == ["private"]


def test_a_repeated_key_keeps_one_file(desk: Desk) -> None:
    key = uuid4()
    said = [desk.writer.attach(key, desk.ref, PICTURE, RHEA).repeated for _ in range(2)]
    assert (said, len(desk.reader.attachments(desk.ref))) == ([False, True], 1)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\rhea\\note.txt", "note.txt"),
        ("a\nb\x00\u202egnp.exe", "a bgnp.exe"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300, "x" * 199 + "…"),
    ],
    ids=["folders", "their folders", "hidden signs", "dots", "nothing", "too long"],
)
def test_a_name_is_one_plain_line_without_a_folder(desk: Desk, said: str, kept: str) -> None:
    desk.attach(File(said, "text/plain", b"x"))
    assert desk.reader.attachments(desk.ref)[0].name == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Text/HTML; charset=utf-8", "text/html"),
        ("", "application/octet-stream"),
        ("image/png\r\nX-Evil: 1", "application/octet-stream"),
        ("a" * 80 + "/x", "application/octet-stream"),
    ],
    ids=["parameters", "nothing", "a header in it", "too long"],
)
def test_a_media_type_is_one_or_that_of_anything(desk: Desk, said: str, kept: str) -> None:
    desk.attach(File("x", said, b"x"))
    assert desk.reader.attachments(desk.ref)[0].media_type == kept


@pytest.mark.parametrize("size", [0, 1024 * 1024 + 1], ids=["nothing", "too much"])
def test_a_file_of_no_fit_size_is_refused(desk: Desk, settings: Any, size: int) -> None:
    settings.ETHOPS_ATTACHMENT_MIB = 1
    with pytest.raises(FileRefusedError):
        desk.attach(File("x", "", b"x" * size))
    assert desk.reader.attachments(desk.ref) == ()


def test_the_largest_file_is_kept(desk: Desk, settings: Any) -> None:
    settings.ETHOPS_ATTACHMENT_MIB = 1
    desk.attach(File("x", "", b"x" * 1024 * 1024))
    assert desk.reader.attachments(desk.ref)[0].size == 1024 * 1024


def test_a_ticket_takes_so_many_files_and_no_more(desk: Desk) -> None:
    for n in range(50):
        desk.attach(File(f"{n}", "", b"x"))
    with pytest.raises(FileRefusedError):
        desk.attach()


@pytest.mark.parametrize(
    ("note", "vouched", "may"),
    [
        (OTTO, OPERATOR, True),
        (RHEA, NOTHING, True),
        (RULE, NOTHING, True),
        (EVE, NOTHING, False),
        (AGENT, NOTHING, False),
    ],
    ids=["operator", "requester", "rule", "another person", "agent"],
)
def test_who_may_attach(desk: Desk, note: Note, vouched: Vouched, may: bool) -> None:  # noqa: FBT001
    if may:
        desk.attach(note=note, vouched=vouched)
    else:
        with pytest.raises(NotAllowedError):
            desk.attach(note=note, vouched=vouched)
    assert len(desk.reader.attachments(desk.ref)) == may


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    with pytest.raises(TicketNotFoundError):
        desk.reader.content(desk.ref, 1)


@pytest.mark.parametrize("statement", ["UPDATE tickets_attachment SET name = 'y'",
                                       "DELETE FROM tickets_attachment"])  # fmt: skip
def test_a_file_is_never_changed_even_by_the_owner(
    clean_db: None, role: Callable[[str], psycopg.Connection], statement: str
) -> None:
    writer = import_module("adapters.tickets.embedded").Writer()
    ref = writer.open(uuid4(), DRAFT).ref
    writer.attach(uuid4(), ref, PICTURE, RHEA)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role("owner").execute(statement)


def test_an_agent_sees_that_a_file_is_there_and_not_what_is_in_it(
    become: Callable[[str], None],
) -> None:
    module = import_module("adapters.tickets.embedded")
    ref = module.Writer().open(uuid4(), DRAFT).ref
    line = module.Writer().attach(uuid4(), ref, PICTURE, RHEA).line
    become("agent")
    assert [one.name for one in module.Reader().attachments(ref)] == ["screen.png"]
    with pytest.raises(ProgrammingError):
        module.Reader().content(ref, line)


# ---------------------------------------------------------------- watchers


def test_a_person_and_an_address_watch_each_once(desk: Desk) -> None:
    for _ in range(2):
        desk.watch(OTTO, OPERATOR, person="ida", why="mentioned")
        desk.watch(OTTO, OPERATOR, address="Ida@Example.org")
    assert desk.reader.watchers(desk.ref) == (
        Watcher(desk.ref, person="ida", why="mentioned"),
        Watcher(desk.ref, address="ida@example.org"),
    )


def test_who_is_taken_away_watches_no_more(desk: Desk) -> None:
    desk.watch(RHEA, person="rhea")
    desk.writer.unwatch(uuid4(), Watcher(desk.ref, person="rhea"), RHEA)
    assert desk.reader.watchers(desk.ref) == ()


def test_who_does_not_watch_cannot_be_taken_away(desk: Desk) -> None:
    with pytest.raises(TicketNotFoundError):
        desk.writer.unwatch(uuid4(), Watcher(desk.ref, person="rhea"), RHEA)


@pytest.mark.parametrize(
    "who",
    [{}, {"person": "a", "address": "a@example.org"}, {"address": "no address"},
     {"address": "a@example.org\nBcc: b@example.org"}],
    ids=["nobody", "both", "no address", "a header in it"],
)  # fmt: skip
def test_nobody_and_no_address_cannot_watch(desk: Desk, who: dict[str, str]) -> None:
    with pytest.raises(DraftRefusedError):
        desk.watch(OTTO, OPERATOR, **who)


@pytest.mark.parametrize(
    ("note", "vouched", "person", "may"),
    [
        (OTTO, OPERATOR, "ida", True),
        (RULE, NOTHING, "ida", True),
        (RHEA, NOTHING, "rhea", True),
        (RHEA, NOTHING, "ida", False),
        (EVE, NOTHING, "eve", False),
        (AGENT, NOTHING, "ida", False),
    ],
    ids=["operator", "rule", "requester himself", "requester another", "another", "agent"],
)
def test_who_may_add_a_watcher(
    desk: Desk,
    note: Note,
    vouched: Vouched,
    person: str,
    may: bool,  # noqa: FBT001
) -> None:
    if may:
        desk.watch(note, vouched, person=person)
    else:
        with pytest.raises(NotAllowedError):
            desk.watch(note, vouched, person=person)
    assert len(desk.reader.watchers(desk.ref)) == may


def test_a_ticket_is_watched_by_so_many_and_no_more(desk: Desk) -> None:
    for n in range(50):
        desk.watch(RULE, address=f"a{n}@example.org")
    with pytest.raises(DraftRefusedError):
        desk.watch(RULE, address="b@example.org")


def test_a_key_of_a_file_is_none_of_a_watcher(desk: Desk) -> None:
    key = uuid4()
    desk.writer.attach(key, desk.ref, PICTURE, RHEA)
    with pytest.raises(KeyReusedError):
        desk.writer.watch(key, Watcher(desk.ref, person="rhea"), RHEA)
