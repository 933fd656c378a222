"""People review what an agent proposes, by page and by API; the executor merges it, once."""

import json
import re
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from adapters.forge import conf as forge_conf
from adapters.forge import embedded
from adapters.forge.port import Pull
from adapters.registry import forge_reader, writer
from adapters.tickets.port import Note
from ethops.executor import pulls, registry
from ethops.executor.git import BareGit
from ethops.pulls import doors
from personas.approvals.errors import ApprovalRefusedError
from tests.doubles import authenticator
from tests.integration.executor.conftest import Bench
from tests.integration.executor.test_pulls import PAGE, args, git

HOSTILE = {
    "path": "pages/a.md",
    "content": "<script>alert(1)</script>\n\u202egnihton\u202c\U000e0041\n",
}


class House:
    """A bench with one open pull request, and people who may review; dora has asked for it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.ask("owner", "INSERT INTO autonomy_policy VALUES ('ticket_pulls', 5) RETURNING 1")
        self.secrets: dict[str, bytes] = {}
        self.ref = bench.incident("web-01")
        with bench.as_role("app"):
            may = Permission.objects.get(codename="approve_pull")
            for name in ("ben", "carla", "dora", "incident_responder", "Triage"):
                User.objects.create_user(name, is_staff=True).user_permissions.add(may)
            User.objects.create_user("clerk", is_staff=True)
            note = Note(text="Write it down.", author="dora", author_kind="person")
            writer("tickets").comment(uuid4(), self.ref, note)
        self.key: UUID = bench.authorised(self.ref, "pull.open", **args(HOSTILE))
        bench.worker().drain("executor.light")

    @property
    def pull(self) -> Pull:
        found = forge_reader().find(self.key)
        assert found
        return found

    def code(self, person: str) -> str:
        said = self.bench.ask("owner", "SELECT gate.enrol_factor(%s, 'root') AS s", person)
        self.bench.ask("owner", "UPDATE approvals_factor SET confirmed_at = now() RETURNING 1")
        return authenticator.code(bytes(said["s"]))

    def shown(self) -> str:
        with self.bench.as_role("app"):
            return doors_sha(self.pull)

    def review(self, person: str, **said: str) -> None:
        pull = self.pull
        whole = {"verdict": "approved", "head": pull.head, "shown": self.shown(), "why": "so"}
        with self.bench.as_role("app"):
            doors.review(number=pull.number, person=person, **{"code": "", **whole, **said})  # type: ignore[arg-type]

    def approve(self, person: str = "ben") -> None:
        self.review(person, code=self.code(person))

    def merge(self, person: str = "carla", head: str = "") -> None:
        with self.bench.as_role("app"):
            doors.merge(number=self.pull.number, person=person, head=head or self.pull.head)

    def work(self) -> None:
        self.bench.record()
        self.bench.worker().drain("executor.light")

    def entries(self, kind: str) -> list[dict]:
        self.bench.record()
        link = self.bench.connect("owner")
        rows = link.execute(
            "SELECT body FROM audit_entry WHERE kind = %s ORDER BY seq", [kind]
        ).fetchall()
        return [json.loads(bytes(row[0]))["body"] for row in rows]

    def order(self) -> Any:
        return self.bench.ask(
            "app", "SELECT * FROM personas_action WHERE verb = 'pull.merge'"
            " ORDER BY decided_at DESC LIMIT 1"
        )  # fmt: skip


def doors_sha(pull: Pull) -> str:
    return sha256((doors.shown(str(pull.key), pull.head) or "").encode()).hexdigest()


@pytest.fixture
def house(bench: Bench) -> House:
    return House(bench)


def test_what_was_approved_is_merged_and_the_ticket_is_told(house):
    house.approve()
    house.merge()
    assert house.pull.state == "open", "nothing happens before it is on record"
    house.work()
    house.work()
    assert (house.pull.state, house.order()["outcome"]) == ("merged", "done"), house.order()
    assert git("cat-file", "blob", f"main:{HOSTILE['path']}").decode() == HOSTILE["content"]
    (said,) = house.entries("person.reviewed")
    assert (said["person"], said["head"], said["verdict"], said["factor"]) == (
        "ben", house.pull.head, "approved", "totp",
    )  # fmt: skip
    assert re.fullmatch("[0-9a-f]{64}", said["shown_sha256"])
    ordered = [e for e in house.entries("action.authorised") if e["verb"] == "pull.merge"]
    assert [e["principal"] for e in ordered] == ["person:carla"]
    assert sum("is merged as" in line for line in house.bench.lines(house.ref)) == 1


@pytest.mark.parametrize(
    ("person", "said", "code"),
    [
        ("ben", {"shown": "0" * 64}, "approvals.not_shown"),
        ("ben", {"shown": ""}, "approvals.not_shown"),
        ("ben", {"head": "0" * 40}, "forge.head_moved"),
        ("ben", {}, "approvals.no_factor"),
        ("clerk", {}, "forge.not_a_person"),
        ("nobody", {}, "forge.not_a_person"),
        ("incident_responder", {}, "forge.not_a_person"),
        ("Triage", {}, "forge.not_a_person"),
    ],
)
def test_an_approval_that_is_none_is_refused_and_on_record(house, person, said, code):
    with pytest.raises(ApprovalRefusedError) as refused:
        house.review(person, **said)
    assert refused.value.code == code
    assert house.bench.ask("app", "SELECT count(*) AS n FROM forge_review") == {"n": 0}
    assert house.entries("person.refused")[-1]["code"] == code


def test_who_is_behind_it_neither_approves_nor_merges(house):
    with pytest.raises(ApprovalRefusedError, match="behind it"):
        house.approve("dora")
    house.approve("carla")
    with pytest.raises(ApprovalRefusedError, match="behind it"):
        house.merge("dora")


def test_a_wrong_code_is_counted(house):
    house.code("ben")
    with pytest.raises(ApprovalRefusedError) as refused:
        house.review("ben", code="000000")
    assert refused.value.code == "approvals.wrong_code"
    assert house.bench.ask("owner", "SELECT failures FROM approvals_factor") == {"failures": 1}


def test_nothing_is_merged_that_nobody_approved_or_somebody_objects_to(house):
    with pytest.raises(ApprovalRefusedError) as refused:
        house.merge()
    assert refused.value.code == "forge.not_approved"
    house.approve()
    house.review("carla", verdict="changes_requested", shown="", why="lies")
    with pytest.raises(ApprovalRefusedError) as refused:
        house.merge("ben")
    assert refused.value.code == "forge.objected"
    house.work()
    assert (house.pull.state, house.order()) == ("open", None)


def test_who_takes_his_word_back_in_between_stops_the_merge(house):
    house.approve()
    house.merge()
    house.review("ben", verdict="changes_requested", shown="")
    house.work()
    assert (house.pull.state, house.order()["outcome"]) == ("open", "failed")
    assert house.order()["result"]["refused"] == "forge.objected"


def test_a_merge_is_ordered_once_at_a_time(house):
    house.approve()
    house.merge()
    house.merge("ben")
    assert house.bench.ask(
        "app", "SELECT count(*) AS n FROM personas_action WHERE verb = 'pull.merge'"
    ) == {"n": 1}


def cut_off(house, monkeypatch, point: str) -> Any:
    """Order a merge and let its executor die at a point of it; returns the order."""
    whole = registry.EFFECTS["pull.merge"]
    assert isinstance(whole, pulls.MergePull)

    class Dying(embedded.Writer):
        def merge(self, number, *, expected_head, by):
            self._begin(number, expected_head, by)
            if point == "in the base":
                self._repository.merge(expected_head, message="m", by=by)
            if point == "written down":
                super().merge(number, expected_head=expected_head, by=by)
            raise KeyboardInterrupt

    def dying() -> Dying:
        place = forge_conf.place()
        return Dying(place, BareGit(place.folder))

    house.approve()
    house.merge()
    house.bench.record()
    monkeypatch.setitem(registry.EFFECTS, "pull.merge", pulls.MergePull(whole.reader, dying))
    with pytest.raises(KeyboardInterrupt):
        house.bench.worker().act_one("executor.light")
    monkeypatch.setitem(registry.EFFECTS, "pull.merge", whole)
    order = house.order()["id"]
    house.bench.lose_lease(order)
    return order


@pytest.mark.parametrize("point", ["begun", "in the base", "written down"])
def test_a_merge_cut_off_anywhere_is_ended_once(house, monkeypatch, point):
    order = cut_off(house, monkeypatch, point)
    house.work()
    house.bench.ask(
        "owner", "UPDATE audit_work SET not_before = now() WHERE id = %s RETURNING 1", order
    )
    house.work()
    house.work()
    assert (house.pull.state, house.order()["outcome"]) == ("merged", "done"), house.order()
    assert git("rev-list", "--merges", "--count", "main").strip() == b"1"
    assert sum("is merged as" in line for line in house.bench.lines(house.ref)) == 1


@pytest.mark.parametrize("point", ["begun", "in the base"])
def test_a_merge_cut_off_for_good_is_ended_by_ordering_it_again(house, monkeypatch, point):
    order = cut_off(house, monkeypatch, point)
    house.bench.ask(
        "owner",
        "UPDATE audit_work SET expires_at = now() - interval '1 s' WHERE id = %s RETURNING 1",
        order,
    )
    house.work()
    assert (house.pull.state, house.order()["outcome"]) == ("merging", "failed")
    house.bench.point("app")
    client = Client()
    client.force_login(User.objects.get(username="carla"))
    assert f'href="/pulls/{house.pull.number}/"' in client.get("/pulls/").content.decode()
    said = client.get(f"/pulls/{house.pull.number}/").content.decode()
    assert "A merge was begun and cut off" in said
    house.merge()
    house.work()
    assert (house.pull.state, house.order()["outcome"]) == ("merged", "done"), house.order()
    assert git("rev-list", "--merges", "--count", "main").strip() == b"1"


# ---------------------------------------------------------------- closed unmerged


def test_a_person_closes_what_nobody_is_to_merge_and_its_ticket_reads_why(house):
    house.approve()
    with house.bench.as_role("app"):
        doors.close(number=house.pull.number, person="dora", head=house.pull.head, why="It is old.")
    assert house.pull.state == "closed"
    (said,) = house.entries("person.closed_pull")
    assert (said["person"], said["head"], said["why"]) == ("dora", house.pull.head, "It is old.")
    house.work()
    assert "was closed unmerged by dora" in house.bench.lines(house.ref)[-1]
    assert "It is old." in house.bench.lines(house.ref)[-1]
    with pytest.raises(ApprovalRefusedError) as refused:
        house.merge()
    assert refused.value.code == "forge.not_open"


@pytest.mark.parametrize(
    ("person", "head", "why", "code"),
    [
        ("clerk", "", "x", "forge.not_a_person"),
        ("nobody", "", "x", "forge.not_a_person"),
        ("incident_responder", "", "x", "forge.not_a_person"),
        ("ben", "0" * 40, "x", "forge.head_moved"),
        ("ben", "", "  ", "forge.no_reason"),
    ],
)
def test_who_may_not_or_says_nothing_closes_nothing(house, person, head, why, code):
    pull = house.pull
    with pytest.raises(ApprovalRefusedError) as refused, house.bench.as_role("app"):
        doors.close(number=pull.number, person=person, head=head or pull.head, why=why)
    assert (refused.value.code, house.pull.state) == (code, "open")
    assert house.entries("person.refused")[-1]["code"] == code


def test_one_that_is_closed_while_its_merge_is_ordered_is_not_merged(house):
    house.approve()
    house.merge()
    with house.bench.as_role("app"):
        doors.close(number=house.pull.number, person="ben", head=house.pull.head, why="No.")
    house.work()
    assert (house.pull.state, house.order()["outcome"]) == ("closed", "failed")
    assert house.order()["result"]["refused"] == "forge.not_open"


# ---------------------------------------------------------------- the page and the API


@pytest.fixture
def desk(house) -> Client:
    """The desk as ben sees it."""
    house.bench.point("app")
    client = Client()
    client.force_login(User.objects.get(username="ben"))
    return client


def test_a_person_reviews_and_merges_on_the_page(house, desk):
    number = house.pull.number
    assert f'href="/pulls/{number}/"' in desk.get("/pulls/").content.decode()
    said = desk.get(f"/pulls/{number}/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in said
    assert "<script>alert(1)" not in said
    assert "\\u{202e}gnihton" in said
    assert "\\u{e0041}" in said
    assert house.pull.head in said
    fields = dict(re.findall(r'name="(head|shown)" value="([0-9a-f]*)"', said))
    typed = {"why": "I've read it & ran it", "code": "836251"}
    wrong = desk.post(f"/pulls/{number}/", {"verdict": "approved", **fields, **typed})
    said = wrong.content.decode()
    assert (wrong.status_code, "second factor" in said) == (422, True)
    assert said.count(">I&#x27;ve read it &amp; ran it</textarea>") == 1
    assert typed["code"] not in said
    code = house.code("ben")
    house.bench.point("app")
    done = desk.post(f"/pulls/{number}/", {"verdict": "approved", **fields, "code": code})
    assert done.status_code == 302, done.content.decode()
    said = desk.get(f"/pulls/{number}/").content.decode()
    assert "Merge it" in said
    assert desk.post(f"/pulls/{number}/", {"act": "merge", **fields}).status_code == 302
    house.bench.point("executor")
    house.work()
    house.bench.point("app")
    assert "merged as" in desk.get(f"/pulls/{number}/").content.decode()
    assert house.pull.state == "merged"
    assert desk.get("/pulls/999/").status_code == 404


def test_a_person_closes_one_on_the_page_or_by_the_api(house, desk):
    number, head = house.pull.number, house.pull.head
    silent = desk.post(f"/pulls/{number}/", {"act": "close", "head": head, "why": ""})
    assert (silent.status_code, "Say why" in silent.content.decode()) == (422, True)
    client = APIClient()
    client.force_login(User.objects.get(username="ben"))
    wrong = client.post(f"/api/v1/pulls/{number}/close", {"head": "0" * 40, "why": "x"},
                        format="json")  # fmt: skip
    assert (wrong.status_code, wrong.json()["code"]) == (409, "forge.head_moved")
    assert desk.post(
        f"/pulls/{number}/", {"act": "close", "head": head, "why": "It is old."}
    ).status_code == 302  # fmt: skip
    assert client.get(f"/api/v1/pulls/{number}").json()["pull"]["state"] == "closed"
    assert "Close it unmerged" not in desk.get(f"/pulls/{number}/").content.decode()


def test_a_person_reviews_by_the_api_and_nobody_merges_by_token(house, desk):
    number = house.pull.number
    client = APIClient()
    token = Token.objects.create(user=User.objects.get(username="ben"))
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    listed = client.get("/api/v1/pulls").json()["results"]
    assert [each["number"] for each in listed] == [number]
    one = client.get(f"/api/v1/pulls/{number}").json()
    assert PAGE["path"] not in one["diff"]
    assert HOSTILE["path"] in one["diff"]
    wish = {"verdict": "approved", "head": one["pull"]["head"],
            "shown_sha256": one["shown_sha256"]}  # fmt: skip
    refused = client.post(f"/api/v1/pulls/{number}/review", wish, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "approvals.no_factor")
    code = house.code("ben")
    house.bench.point("app")
    wish["code"] = code
    done = client.post(f"/api/v1/pulls/{number}/review", wish, format="json")
    assert (done.status_code, done.json()["approvers"]) == (200, ["ben"]), done.json()
    merge = {"head": wish["head"]}
    refused = client.post(f"/api/v1/pulls/{number}/merge", merge, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "forge.not_a_person")
    desk_client = APIClient()
    desk_client.force_login(User.objects.get(username="ben"))
    done = desk_client.post(f"/api/v1/pulls/{number}/merge", merge, format="json")
    assert done.status_code == 200, done.json()
