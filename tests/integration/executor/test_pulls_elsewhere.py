"""What people do at a Gitea or a GitHub is taken over, told once, and believed little."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adapters.forge.port import Pull
from adapters.registry import forge_reader
from ethops import peers
from ethops.desk import pull_watch
from ethops.executor import pull_ends
from ethops.pulls import doors
from ethops.pulls.models import Followed, ForgeLook
from tests.doubles.forges import BOT, TOKEN, Forge, Kind
from tests.doubles.peer import Peer, plain
from tests.doubles.refusing_desk import RefusingDesk
from tests.integration.executor.conftest import Bench
from tests.integration.executor.test_pulls import args


class House:
    """A bench whose forge is elsewhere, with one pull request that an agent has opened there."""

    def __init__(self, bench: Bench, forge: Forge) -> None:
        self.bench, self.forge = bench, forge
        bench.ask("owner", "INSERT INTO autonomy_policy VALUES ('ticket_pulls', 9) RETURNING 1")
        self.ref = bench.incident("web-01")
        self.key = self.open(self.ref)

    def open(self, ref: str) -> Any:
        key = self.bench.authorised(ref, "pull.open", **args())
        self.work()
        assert self.bench.action(key)["outcome"] == "done", self.bench.action(key)["result"]
        return key

    @property
    def pull(self) -> Pull:
        found = forge_reader().find(self.key)
        assert found
        return found

    @property
    def row(self) -> Followed:
        with self.bench.as_role("app"):
            return Followed.objects.get(pk=self.key)

    def seen_at(self) -> dict[Any, Any]:
        with self.bench.as_role("app"):
            return dict(Followed.objects.values_list("key", "seen_at"))

    def watch(self) -> None:
        with self.bench.as_role("app"):
            pull_watch.watch()

    def work(self) -> None:
        self.bench.record()
        self.bench.worker().drain("executor.light")

    def seen(self) -> list[dict[str, Any]]:
        self.bench.record()
        rows = self.bench.connect("owner").execute(
            "SELECT body FROM audit_entry WHERE kind = 'pull.seen' ORDER BY seq"
        )
        return [json.loads(bytes(row[0]))["body"] for row in rows.fetchall()]

    def lines(self) -> list[str]:
        return [line for line in self.bench.lines(self.ref) if "Pull request" in line]

    def tells(self) -> int:
        row = self.bench.ask(
            "app", "SELECT count(*) AS n FROM personas_action WHERE verb = 'pull.tell'"
        )
        return int(row["n"])

    def incidents(self) -> list[str]:
        link = self.bench.connect("app")
        rows = link.execute("SELECT title FROM tickets_ticket WHERE cause_key LIKE 'forge:%'")
        return [row[0] for row in rows.fetchall()]


def point(settings: Any, kind: str, url: str, token: Path) -> None:
    """Name the forge as a site does, by variables."""
    said = {
        "ETHOPS_FORGE": kind, "ETHOPS_FORGE_URL": url, "ETHOPS_FORGE_REPOSITORY": "site/pages",
        "ETHOPS_FORGE_TOKEN_FILE": str(token), "ETHOPS_FORGE_MACHINES": BOT,
    }  # fmt: skip
    settings.ADAPTERS = {**settings.ADAPTERS, **peers.chosen(said)}


@pytest.fixture(params=["gitea", "github"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def house(bench: Bench, kind: Kind, tmp_path: Path, settings: Any) -> Iterator[House]:
    forge = Forge(kind, tmp_path / "elsewhere.git")
    (tmp_path / "token").write_text(TOKEN)
    point(settings, kind, forge.url, tmp_path / "token")
    yield House(bench, forge)
    forge.close()


def test_a_merge_there_is_taken_over_and_told_once(house):
    house.watch()
    assert (house.row.state, house.seen(), house.tells()) == ("open", [], 0)
    commit = house.forge.merge_as(house.row.number, "carla")
    house.forge.delete_branch(house.row.number)
    for _ in range(3):
        house.watch()
        house.work()
    row = house.row
    assert (row.state, row.merged_as, row.ended_by, row.told) == ("merged", commit, "carla", True)
    (said,) = house.seen()
    assert said == {
        "pull": row.number, "what": "merged", "head": row.head, "commit": commit, "by": "carla",
        "count": 0,
    }  # fmt: skip
    (line,) = house.lines()
    assert f"is merged as {commit[:12]} by carla: {row.url}" in line
    assert house.tells() == 1
    asked = len(house.forge.asked)
    house.watch()
    assert len(house.forge.asked) == asked, "what is merged is not asked for again"


def test_one_that_was_closed_is_told_and_one_that_was_opened_again_is_followed(house, kind):
    house.watch()
    number = house.row.number
    house.forge.close_as(number, "ben")
    house.watch()
    house.work()
    assert "was closed unmerged" in house.lines()[-1]
    assert house.row.ended_by == ("ben" if kind == "github" else "")
    house.forge.reopen(number)
    house.watch()
    house.forge.merge_as(number, "ben")
    house.watch()
    house.work()
    assert [said["what"] for said in house.seen()] == ["closed", "reopened", "merged"]
    assert ["merged as" in line for line in house.lines()] == [False, True]


def test_a_push_and_what_is_said_there_are_seen_and_count_for_nothing_here(house):
    house.watch()
    number, head = house.row.number, house.row.head
    house.forge.review(number, "approved", head=head, by="ben")
    house.watch()
    assert house.row.reviews[0]["by"] == "ben"
    house.forge.commit({"b.md": b"y\n"}, house.pull.branch)
    house.watch()
    assert house.row.head == house.pull.head != head
    assert [said["what"] for said in house.seen()] == ["reviewed", "moved"]
    assert (house.tells(), house.row.state) == (0, "open")
    with house.bench.as_role("app"):
        assert not Followed.objects.exclude(state="open").exists()
    said = house.bench.ask("app", "SELECT code FROM gate.order_merge('ben', %s, %s)", number, head)
    assert said["code"] == "forge.not_found", "no approval there orders a merge here"


def test_a_look_where_nothing_changed_is_one_question_each(house):
    house.open(house.bench.incident("spool-01"))
    house.watch()
    before = len(house.forge.asked)
    house.watch()
    assert len(house.forge.asked) - before == 2


def test_one_that_was_closed_is_two_questions_where_its_issue_says_by_whom(house, kind):
    house.watch()
    house.forge.close_as(house.row.number, "ben")
    house.watch()
    before = len(house.forge.asked)
    house.watch()
    assert len(house.forge.asked) - before == {"github": 2, "gitea": 1}[kind]


def test_a_look_is_bounded_and_comes_round_to_all(house, monkeypatch):
    for ci in ("spool-01", "lost-01"):
        house.open(house.bench.incident(ci))
    monkeypatch.setattr(pull_watch, "AT_ONCE", 2)
    house.watch()
    first = house.seen_at()
    assert (len(first), list(first.values()).count(None)) == (3, 1), "two of the three"
    house.watch()
    second = house.seen_at()
    assert sum(second[key] != at for key, at in first.items()) == 2, "two again"
    assert None not in second.values(), "the third among them"


@pytest.mark.parametrize(
    "answer",
    [plain("200 OK", b"<html>login</html>"), plain("500 Oops", b"{}"), b"",
     plain("401 Unauthorized", b"{}"), plain("200 OK", b'{"number": ')],
)  # fmt: skip
def test_a_forge_that_is_away_is_shown_and_told_of_once_and_nothing_is_lost(
    house, kind, settings, tmp_path, answer
):
    house.watch()
    commit = house.forge.merge_as(house.row.number, "carla")
    peer = Peer()
    peer.sends(answer)
    point(settings, kind, peer.url, tmp_path / "token")
    for _ in range(pull_watch.AWAY_AFTER + 2):
        house.watch()
    assert house.incidents() == ["The forge cannot be asked"]
    with house.bench.as_role("app"):
        look = ForgeLook.objects.get()
        assert (look.misses, look.said.split(":")[0]) == (
            pull_watch.AWAY_AFTER + 2,
            "forge.refused" if b"401" in answer else "forge.unavailable",
        )
        client = Client()
        client.force_login(User.objects.create_superuser("ada"))
        page = client.get("/pulls/").content.decode()
        assert "Unreachable since" in page
        assert f"#{Followed.objects.get().number}" in page
    assert (house.row.state, house.seen(), house.tells()) == ("open", [], 0)
    peer.close()
    point(settings, kind, house.forge.url, tmp_path / "token")
    house.watch()
    with house.bench.as_role("app"):
        assert ForgeLook.objects.get().misses == 0
    assert house.row.merged_as == commit


def test_one_that_is_not_to_be_found_is_neither_merged_nor_closed_and_a_person_looks(house):
    house.watch()
    house.forge.pulls.clear()
    for _ in range(pull_watch.MISSING_AFTER + 2):
        house.watch()
    assert (house.row.state, house.seen(), house.tells()) == ("open", [], 0)
    assert house.incidents() == [f"Pull request {house.row.number} is not to be found at the forge"]


def test_the_number_of_another_repository_is_not_ours(house):
    house.watch()
    house.forge.pulls[house.row.number] |= {
        "branch": "somebody-elses", "head": house.row.head, "state": "closed", "merged": "c" * 40,
    }  # fmt: skip
    house.watch()
    assert (house.row.state, house.row.missing, house.tells()) == ("open", 1, 0)


@pytest.mark.parametrize("status", [500, 410])
def test_one_that_cannot_be_read_stops_no_other_and_a_person_hears_of_it(house, status):
    second = house.open(house.bench.incident("spool-01"))
    house.open(house.bench.incident("lost-01"))
    house.watch()
    house.forge.broken[house.row.number] = status
    with house.bench.as_role("app"):
        number = Followed.objects.get(pk=second).number
    house.forge.merge_as(number, "carla")
    house.watch()
    with house.bench.as_role("app"):
        assert Followed.objects.get(pk=second).state == "merged"
        assert ForgeLook.objects.get().misses == 0
    assert (house.row.state, house.row.unread, house.incidents()) == ("open", 1, [])
    for _ in range(pull_watch.UNREAD_AFTER):
        house.watch()
    assert house.incidents() == [f"Pull request {house.row.number} cannot be read at the forge"]
    house.forge.broken.clear()
    house.watch()
    assert house.row.unread == 0


def test_several_that_cannot_be_read_are_asked_for_after_the_others(house):
    for ci in ("spool-01", "lost-01", "web-01"):
        house.open(house.bench.incident(ci))
    house.watch()
    with house.bench.as_role("app"):
        *first, last = Followed.objects.order_by("asked_at")
    house.forge.broken |= dict.fromkeys((pull.number for pull in first), 403)
    house.forge.merge_as(last.number, "carla")
    house.watch()
    with house.bench.as_role("app"):
        assert (ForgeLook.objects.get().misses, Followed.objects.get(pk=last.pk).state) == (
            1, "open",
        )  # fmt: skip
    house.watch()
    with house.bench.as_role("app"):
        assert (ForgeLook.objects.get().misses, Followed.objects.get(pk=last.pk).state) == (
            0, "merged",
        )  # fmt: skip


def test_looking_and_telling_do_not_stop_each_other(house, monkeypatch):
    def fails() -> int:
        raise RuntimeError("a bad day")

    with monkeypatch.context() as patched:
        called: list[str] = []
        patched.setattr(pull_watch, "follow", fails)
        patched.setattr(pull_watch, "tell", lambda: called.append("told"))
        with pytest.raises(RuntimeError):
            house.watch()
        assert called == ["told"]
    house.forge.merge_as(house.pull.number, "carla")
    with monkeypatch.context() as patched:
        patched.setattr(doors, "retell", fails)
        with pytest.raises(RuntimeError):
            house.watch()
    assert house.row.state == "merged"


def test_one_that_was_opened_again_before_its_ticket_heard_has_nothing_to_tell(house, monkeypatch):
    house.watch()
    house.forge.close_as(house.row.number, "ben")
    with monkeypatch.context() as patched:
        patched.setattr(pull_ends, "writer", lambda _: RefusingDesk())
        house.watch()
        house.work()
    house.forge.reopen(house.row.number)
    house.watch()
    assert (house.row.state, house.row.told) == ("open", True)
    # As one looks that was opened again before that was seen to.
    house.bench.ask("owner", "UPDATE pulls_followed SET told = false, next_at = now() RETURNING 1")
    for _ in range(2):
        house.watch()
        house.work()
    assert (house.row.told, house.tells(), house.lines()) == (True, 1, [])


def test_one_look_goes_on_at_a_time_and_one_that_died_is_over(house):
    house.watch()
    asked = len(house.forge.asked)
    turn = "UPDATE pulls_forgelook SET busy_until = now() + %s::interval RETURNING 1"
    house.bench.ask("owner", turn, "1 minute")
    house.watch()
    assert len(house.forge.asked) == asked
    house.bench.ask("owner", turn, "-1 second")
    house.watch()
    assert len(house.forge.asked) == asked + 1
    with house.bench.as_role("app"):
        assert ForgeLook.objects.get().busy_until is None


def test_what_was_seen_before_what_is_known_changes_nothing(house):
    house.watch()
    house.forge.close_as(house.row.number, "ben")
    house.watch()
    said = house.bench.ask(
        "app", "SELECT gate.see_pull(%s, now() - interval '1 minute', '', 'open', '', '', '', NULL)"
        " AS what", house.key
    )  # fmt: skip
    assert (said["what"], house.row.state) == ("", "closed")


def test_of_one_that_was_over_long_before_anybody_looked_no_ticket_is_told(house):
    house.bench.ask(
        "owner", "UPDATE personas_action SET decided_at = now() - interval '31 days'"
        " WHERE id = %s RETURNING 1", house.key
    )  # fmt: skip
    house.forge.merge_as(house.pull.number, "carla")
    house.watch()
    assert (house.row.state, house.row.told, house.row.ends) == ("merged", True, 1)
    assert house.tells() == 0
