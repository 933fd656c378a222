"""`@name` in a person's line: that person watches the ticket, and is told once."""

import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from adapters import registry
from adapters.tickets.beside import Watcher
from adapters.tickets.port import Note, TicketDraft, Vouched
from ethops.desk import notes
from personas.models import Action

pytestmark = pytest.mark.django_db
OPERATOR = Vouched(frozenset({"operator"}))
DESK = ("ada", "bo", "dora.k")
CONTACTS = [
    {"name": name, "kind": "http", "url": f"http://{name}.example/"} for name in (*DESK, "cy")
]


@pytest.fixture
def ref(settings, tmp_path):
    """A ticket; four people of whom cy is not of the desk, each told at an address of his own."""
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text(
        json.dumps({"notify": {"kind": "http", "url": "http://all.example/"}, "contacts": CONTACTS})
    )
    for name in DESK:
        User.objects.create_user(name, is_staff=True)
    User.objects.create_user("cy")
    draft = TicketDraft("incident", "It hangs", "", 2, 2, "intake", "rule")
    return registry.writer("tickets").open(uuid4(), draft, OPERATOR).ref


def write(ref, text, *, person="ada", visibility="public", key=None):
    notes.write(key=key or uuid4(), ref=ref, person=person, text=text, visibility=visibility)


def watching(ref):
    return {(one.person, one.why) for one in registry.reader("tickets").watchers(ref)}


def told():
    """Who was told, by his address."""
    args = Action.objects.filter(principal="rule:mention").values_list("args", flat=True)
    return sorted(one["target"].removeprefix("http://").partition(".example")[0] for one in args)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("@bo, please look.", ["bo"]),
        ("(@bo) and @bo again", ["bo"]),
        ("Ask @dora.k.", ["dora.k"]),
        ("@bo @dora.k", ["bo", "dora.k"]),
        ("@cy says so", ["cy"]),
        ("write to x@bo", []),
        ("@@bo", []),
        ("@nobody knows", []),
        ("@Bo", []),
        ("@", []),
    ],
)
def test_whom_a_line_names_watches_and_is_told(ref, text, who):
    write(ref, text)
    assert watching(ref) == {(name, "mentioned") for name in who}
    assert told() == who


def test_in_a_private_line_only_people_of_the_desk_are_called(ref):
    write(ref, "@bo @cy look", visibility="private")
    assert (watching(ref), told()) == ({("bo", "mentioned")}, ["bo"])


def test_who_has_left_is_not_called(ref):
    User.objects.filter(username="bo").update(is_active=False)
    write(ref, "@bo")
    assert (watching(ref), told()) == (set(), [])


def test_who_names_himself_watches_and_is_not_told(ref):
    write(ref, "I, @ada, look.")
    assert (watching(ref), told()) == ({("ada", "mentioned")}, [])


def test_who_watches_already_is_told_and_stays_what_he_was(ref):
    watcher = Watcher(ref, person="bo", why="asked")
    registry.writer("tickets").watch(uuid4(), watcher, Note("", "ada", "person"), OPERATOR)
    write(ref, "@bo")
    assert (watching(ref), told()) == ({("bo", "asked")}, ["bo"])


def test_a_second_press_calls_nobody_again(ref):
    key = uuid4()
    for _ in range(2):
        write(ref, "@bo", key=key)
    assert told() == ["bo"]


def test_another_line_calls_again(ref):
    write(ref, "@bo")
    write(ref, "@bo, again")
    assert told() == ["bo", "bo"]


def test_one_line_calls_ten_at_most(ref):
    crowd = [f"p{n:02}" for n in range(notes.MOST + 2)]
    for name in crowd:
        User.objects.create_user(name, is_staff=True)
    write(ref, " ".join(f"@{name}" for name in crowd))
    assert watching(ref) == {(name, "mentioned") for name in crowd[: notes.MOST]}


def test_who_is_not_of_the_desk_calls_nobody(ref):
    write(ref, "@bo, let me in", person="cy")
    assert (watching(ref), told()) == (set(), [])
