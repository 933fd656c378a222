"""The end of a pull request is told to its ticket, once, and moves a change as its table allows."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection

from adapters.forge import conf as forge_conf
from adapters.forge import embedded
from adapters.forge.port import Draft, File, Pull
from adapters.registry import reader, writer
from adapters.tickets.itop.models import Waiting
from adapters.tickets.port import ChangeDraft, TicketDraft, Vouched
from ethops.desk import dispatch, elsewhere, pull_watch
from ethops.executor import pull_ends, registry
from ethops.executor.errors import TicketRefusedError
from ethops.executor.git import BareGit
from ethops.pulls.models import Followed
from tests.doubles.itop.house import housed
from tests.doubles.refusing_desk import RefusingDesk
from tests.integration.executor.conftest import Bench


class House:
    """A bench whose people approve whatever is opened; tickets are moved by its pull requests."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        with bench.as_role("app"):
            User.objects.create_superuser("ben")
        place = forge_conf.place()
        self.forge = embedded.Writer(place, BareGit(place.folder))

    def change(self, state: str = "approved") -> str:
        with self.bench.as_role("app"):
            draft = TicketDraft("change", "New pages", "", 2, 2, "otto", "person",
                                change=ChangeDraft("normal", "They are old."))  # fmt: skip
            ref = writer("tickets").open(uuid4(), draft, Vouched(frozenset({"operator"}))).ref
        self.bench.ask(
            "owner", "UPDATE tickets_ticket SET state = %s WHERE ref = %s RETURNING 1", state, ref
        )
        return ref

    def opened(self, ref: str, path: str = "a.md") -> Pull:
        draft = Draft("What \n helped", "", "librarian", (File(path, b"x\n"),), ref)
        return self.forge.open(uuid4(), draft)

    def merged(self, pull: Pull) -> Pull:
        self.bench.ask("owner", "SELECT forge.review_pull(%s, %s, 'ben', 'approved', '')",
                       pull.number, pull.head)  # fmt: skip
        return self.forge.merge(pull.number, expected_head=pull.head, by="carla")

    def work(self) -> None:
        self.bench.record()
        self.bench.worker().drain("executor.light")

    def lines(self, ref: str) -> list[str]:
        return [line for line in self.bench.lines(ref) if "Pull request" in line]

    def order(self, pull: Pull) -> Any:
        return self.bench.ask(
            "app", "SELECT a.* FROM pulls_followed f JOIN personas_action a ON a.id = f.action"
            " WHERE f.key = %s", pull.key
        )  # fmt: skip

    def row(self, pull: Pull) -> Followed:
        with self.bench.as_role("app"):
            return Followed.objects.get(number=pull.number)

    def watch(self) -> None:
        with self.bench.as_role("app"):
            pull_watch.watch()

    def soon(self) -> None:
        """Whatever waits for a later time need not any more."""
        self.bench.ask("owner", "UPDATE pulls_followed SET next_at = now() RETURNING 1")


@pytest.fixture
def house(bench: Bench) -> House:
    return House(bench)


def test_the_ticket_of_a_merged_one_is_told_with_commit_and_place_and_an_incident_stays(house):
    ref = house.bench.incident("web-01")
    pull = house.merged(house.opened(ref))
    assert house.lines(ref) == [], "nothing is written before it is on record"
    order = house.order(pull)
    assert (order["verb"], order["principal"], order["ticket_ref"]) == (
        "pull.tell", "rule:pulls", ref,
    )  # fmt: skip
    house.work()
    assert house.order(pull)["outcome"] == "done", house.order(pull)["result"]
    (line,) = house.lines(ref)
    assert line.startswith(f"Pull request {pull.number} (What helped) is merged as"
                           f" {pull.merged_as[:12]} by carla: /pulls/{pull.number}/")  # fmt: skip
    assert "its probes say" in line
    assert reader("tickets").get(ref).state == "new"
    assert house.bench.dispatches(ref) == 1
    house.watch()
    assert house.row(pull).told


@pytest.mark.parametrize(
    ("state", "then"),
    [("approved", "implemented"), ("implementing", "implemented"), ("planned", "planned"),
     ("closed", "closed"), ("implemented", "implemented")],
)  # fmt: skip
def test_a_change_goes_on_from_where_the_table_lets_the_executor(house, state, then):
    ref = house.change(state)
    house.merged(house.opened(ref))
    house.work()
    ticket = reader("tickets").get(ref)
    assert ticket.state == then
    assert len([line for line in house.lines(ref) if "is merged as" in line]) == 1
    assert ("is merged as" in ticket.solution) == (state != then)


def test_a_change_waits_for_the_last_of_its_pull_requests(house):
    ref = house.change()
    first, second = house.opened(ref), house.opened(ref, "b.md")
    house.merged(first)
    house.work()
    assert reader("tickets").get(ref).state == "approved"
    assert "waits for 1 more" in house.lines(ref)[-1]
    house.merged(second)
    house.work()
    assert reader("tickets").get(ref).state == "implemented"


def test_one_that_is_closed_merges_nothing_and_whoever_waits_is_told(house):
    ref = house.change()
    pull = house.forge.close(house.opened(ref).number, by="ben", why="no")
    house.work()
    (line,) = house.lines(ref)
    assert "was closed unmerged by ben" in line
    assert reader("tickets").get(ref).state == "approved"
    order = house.order(pull)
    payload = {"ticket": ref, "why": pull_ends.UNMERGED, "action": str(order["id"]),
               "said": order["result"]["said"]}  # fmt: skip
    with house.bench.as_role("app"):
        dispatch.consider(payload)
        dispatch.consider(payload)
    told = house.bench.ask(
        "app", "SELECT count(*) AS n, min(args ->> 'title') AS title FROM personas_action"
        " WHERE verb = 'notify' AND ticket_ref = %s", ref
    )  # fmt: skip
    assert told == {"n": 1, "title": f"A pull request for {ref} was closed unmerged"}


def test_one_without_a_ticket_tells_nobody(house):
    pull = house.merged(house.opened(""))
    assert (house.row(pull).state, house.row(pull).told, house.order(pull)) == (
        "merged",
        True,
        None,
    )


DIES_IN = {
    "before": "sentence", "after the line": "stimuli", "after the moves": "_tell_dispatcher",
}  # fmt: skip


@pytest.mark.parametrize("point", [*DIES_IN, "after all"])
def test_one_cut_off_anywhere_is_told_once(house, monkeypatch, point):
    """As a kill at this boundary would leave it: nothing is settled, and the probe looks."""
    ref = house.change()
    pull = house.merged(house.opened(ref))
    house.bench.record()
    whole = registry.EFFECTS["pull.tell"]
    assert isinstance(whole, pull_ends.TellTicket)

    class Dying(pull_ends.TellTicket):
        def act(self, claim):
            super().act(claim)
            die()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if point in DIES_IN:
            patched.setattr(pull_ends, DIES_IN[point], die)
        patched.setitem(registry.EFFECTS, "pull.tell", Dying(whole.waiting))
        with pytest.raises(KeyboardInterrupt):
            house.bench.worker().act_one("executor.light")
    connection.close()
    order = house.order(pull)["id"]
    house.bench.lose_lease(order)
    house.work()
    house.bench.ask("owner", "UPDATE audit_work SET not_before = now() RETURNING 1")
    house.work()
    assert house.order(pull)["outcome"] == "done", house.order(pull)
    assert reader("tickets").get(ref).state == "implemented"
    assert len(house.lines(ref)) == 1
    assert house.bench.dispatches(ref) == 1


def test_what_came_to_nothing_is_ordered_again_and_a_person_hears_of_it(house, monkeypatch):
    ref = house.bench.incident("web-01")
    pull = house.merged(house.opened(ref))

    with monkeypatch.context() as patched:
        patched.setattr(pull_ends, "writer", lambda _: RefusingDesk())
        seen: set[UUID] = set()
        for _ in range(3):
            house.work()
            assert house.order(pull)["outcome"] == "failed"
            seen.add(house.order(pull)["id"])
            house.watch()
            house.soon()
            house.watch()
    assert len(seen) == 3
    told = house.bench.ask("app", "SELECT count(*) AS n FROM personas_action WHERE verb = 'notify'"
                           " AND principal = 'rule:pull'")  # fmt: skip
    assert told == {"n": 1}
    house.work()
    house.watch()
    assert (len(house.lines(ref)), house.row(pull).told) == (1, True)


def test_after_the_last_order_a_person_hears_that_it_is_written_by_hand(house, monkeypatch):
    ref = house.bench.incident("web-01")
    pull = house.merged(house.opened(ref))

    monkeypatch.setattr(pull_ends, "writer", lambda _: RefusingDesk())
    house.work()
    house.bench.ask("owner", "UPDATE pulls_followed SET tries = 19 RETURNING 1")
    last = house.order(pull)["id"]
    for _ in range(3):
        house.watch()
        house.soon()
    told = house.bench.ask("app", "SELECT count(*) AS n, min(args ->> 'text') AS text"
                           " FROM personas_action WHERE principal = 'rule:pull'")  # fmt: skip
    assert told["n"] == 1
    assert f"not ordered again. Write into {ref} by hand" in told["text"]
    assert (house.order(pull)["id"], house.row(pull).told) == (last, False)


def test_only_ends_are_told():
    args = {"pull": "7", "what": "open", "title": "t", "by": "", "url": "", "why": "", "commit": ""}
    claim: Any = SimpleNamespace(args=args)
    with pytest.raises(TicketRefusedError, match="7 is open: only ends are told"):
        pull_ends.sentence(claim)


@pytest.mark.parametrize("away", [False, True], ids=["there", "away at first"])
def test_the_ticket_of_an_itop_is_told_there_and_its_change_goes_on(bench, settings, away):
    with housed() as itop:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": itop.settings()}
        house = House(bench)
        ref = house.change("planned")
        with bench.as_role("app"):
            itop.put(ref, "approved")
        bench.ask("owner", "UPDATE tickets_ticket SET state = 'approved' WHERE ref = %s"
                  " RETURNING 1", ref)  # fmt: skip
        pull = house.merged(house.opened(ref))
        itop.itop.faults += ["html"] * (4 if away else 0)
        house.work()
        assert house.order(pull)["outcome"] == "done", house.order(pull)["result"]
        itop.itop.faults.clear()
        with bench.as_role("app"):
            assert Waiting.objects.exists() == away
            elsewhere.follow()
            elsewhere.follow()
        kept = itop.object("NormalChange")
        told = [line for log in ("private_log", "public_log") if log in kept
                for line in itop.log("NormalChange", log)]  # fmt: skip
        assert sum("is merged as" in line for line in told) == 1, told
        assert (reader("tickets").get(ref).state, kept["status"]) == ("implemented", "implemented")


def test_nobody_of_the_desk_writes_what_became_of_one(house):
    pull = house.opened(house.change())
    link = house.bench.connect("app")
    for harm in (
        "INSERT INTO pulls_followed (key, number, title, head) SELECT gen_random_uuid(), 1, '', ''",
        "UPDATE pulls_followed SET state = 'merged'",
        "UPDATE pulls_followed SET told = false",
        "UPDATE pulls_followed SET seen_at = now()",
        "DELETE FROM pulls_followed",
        "SELECT gate.end_pull(gen_random_uuid())",
        "SELECT gate.order_told(NULL::pulls_followed)",
        "UPDATE forge_pullrequest SET state = 'closed'",
    ):
        with pytest.raises(Exception, match="permission denied"):
            link.execute(harm)
    # What is at the forge here nobody says to have been seen elsewhere.
    assert link.execute("SELECT gate.see_pull(%s, now(), '', 'merged', 'x', 'me', '', NULL)",
                        [pull.key]).fetchone()[0] == ""  # fmt: skip
