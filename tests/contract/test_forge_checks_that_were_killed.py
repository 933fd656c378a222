"""What a check that was killed left at a forge: cleared away by the next, nobody else's touched."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from adapters.forge import conf, embedded
from adapters.forge.conformance import leftovers
from adapters.forge.conformance.bench import Bench
from adapters.forge.conformance.leftovers import BY
from adapters.forge.files import branch_of
from adapters.forge.place import Place
from adapters.forge.port import Draft, File
from ethops.executor.git import BareGit
from tests.doubles.forges import BOT, TOKEN, Forge, Kind

KILLED = "ethops check 0123abcd"
NOW = "ethops check 99999999"
LEFT = Draft(f"[{KILLED}] To be closed", "A check's.", BY, (File("a.md", b"a\n"),))
NEARLY = (
    replace(LEFT, title="Re: " + LEFT.title),
    replace(LEFT, title=f"[{KILLED}]"),
    replace(LEFT, author="librarian"),
)


class Here:
    """The embedded forge, and a check's bench at it."""

    def __init__(self, place: Place) -> None:
        self.git = BareGit(place.folder)
        self.writer = embedded.Writer(place, self.git)
        self.bench = Bench(embedded, NOW, git=BareGit)

    def killed(self, draft: Draft = LEFT) -> str:
        """The branch that stays where the transaction of its row ended with its process."""
        key = uuid4()
        with transaction.atomic():
            self.writer.open(key, draft)
            transaction.set_rollback(True)
        return branch_of(key)

    @property
    def branches(self) -> set[str]:
        words = ("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
        return set(self.git(*words).out.decode().split())


@pytest.fixture
def here(become: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    place = Place(folder=tmp_path / "repository.git")
    monkeypatch.setattr(conf, "place", lambda: place)
    become("executor")
    return Here(place)


def later(monkeypatch: pytest.MonkeyPatch, at: datetime, **much: int) -> None:
    monkeypatch.setattr(leftovers, "now", lambda: at + timedelta(**much))


def test_a_branch_whose_row_went_is_deleted(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    branch = here.killed()
    later(monkeypatch, datetime.now(UTC), minutes=61)
    assert here.bench.sweep("") == (f"Branch {branch} of the repository here is deleted.",)
    assert here.branches == {"main"}
    assert here.bench.sweep("") == ()


def test_a_check_that_may_still_run_keeps_its_branch(here: Here) -> None:
    branch = here.killed()
    assert here.bench.sweep("") == here.bench.sweep(NOW) == ()
    assert here.branches == {"main", branch}
    assert len(here.bench.sweep(KILLED)) == 1
    assert here.branches == {"main"}


def test_a_branch_that_is_no_check_s_or_has_a_row_stays(here: Here) -> None:
    kept = {here.killed(draft) for draft in NEARLY}
    kept.add(here.writer.open(uuid4(), LEFT).branch)
    assert here.bench.sweep(KILLED) == ()
    assert here.branches == {"main", *kept}


def test_who_opens_none_sweeps_none(here: Here, become: Callable[[str], None]) -> None:
    branch = here.killed()
    become("app")
    assert Bench(embedded, NOW, git=BareGit).sweep(KILLED) == ()
    assert branch in here.branches


class Elsewhere:
    """A forge elsewhere, with a repository for checks."""

    def __init__(self, made: Forge, adapter: Any, place: Place) -> None:
        self.made = made
        self.writer = adapter.Writer(place)
        self.unnamed = Bench(adapter, NOW)
        self.bench = Bench(adapter, NOW, {"repository": place.repository})

    def open(self, draft: Draft = LEFT, key: UUID | None = None) -> int:
        number: int = self.writer.open(key or uuid4(), draft).number
        return number

    def state(self, number: int) -> str:
        return str(self.made.pulls[number]["state"])


@pytest.fixture(params=["gitea", "github"])
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: None
) -> Any:
    kind: Kind = request.param
    made = Forge(kind, tmp_path / "forge.git")
    place = Place(url=made.url, repository="site/pages", token=TOKEN, machines=frozenset({BOT}))
    monkeypatch.setattr(conf, "place", lambda: place)
    yield Elsewhere(made, import_module(f"adapters.forge.{kind}"), place)
    made.close()


def test_what_was_open_is_closed_and_its_branch_deleted(elsewhere: Elsewhere) -> None:
    number = elsewhere.open()
    assert elsewhere.bench.sweep("") == (f"Pull request {number} was open, and is closed.",)
    assert (elsewhere.state(number), elsewhere.made.branches()) == ("closed", ["main"])
    assert elsewhere.bench.sweep("") == ()


def test_a_branch_that_was_not_come_to_is_deleted(elsewhere: Elsewhere) -> None:
    elsewhere.writer.close(elsewhere.open(), by=BY, why="so")
    assert elsewhere.bench.sweep("") == ()
    assert elsewhere.made.branches() == ["main"]


def test_one_that_may_still_run_is_left_open(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = elsewhere.open()
    (pull,) = elsewhere.bench.reader.pulls("open")
    later(monkeypatch, pull.opened_at, minutes=59)
    assert elsewhere.bench.sweep("") == elsewhere.bench.sweep(NOW) == ()
    assert elsewhere.state(number) == "open"
    assert len(elsewhere.bench.sweep(KILLED)) == 1


def test_what_is_no_check_s_stays_open(elsewhere: Elsewhere) -> None:
    numbers = [elsewhere.open(replace(draft, files=(File(f"{n}.md", b"a\n"),)))
               for n, draft in enumerate(NEARLY)]  # fmt: skip
    assert elsewhere.bench.sweep("") == ()
    assert {elsewhere.state(number) for number in numbers} == {"open"}


def test_a_repository_that_is_in_use_is_not_swept(elsewhere: Elsewhere) -> None:
    number = elsewhere.open()
    assert elsewhere.unnamed.sweep("") == ()
    assert elsewhere.state(number) == "open"
