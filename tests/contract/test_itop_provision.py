"""What an iTop needs of us is shown, made once, put right, and taken back: nothing of others."""

from collections.abc import Iterator

import pytest

from adapters.tickets.itop import blueprint, unprovision
from adapters.tickets.itop.blueprint import Agent, Place
from adapters.tickets.itop.client import Client
from adapters.tickets.itop.errors import ItopLoginError
from adapters.tickets.itop.provision import Line, Provisioner
from tests.doubles.itop.console import Console
from tests.doubles.itop.server import TOKEN, served

SECRET = "s" * 40
PLACE = Place("https://ops.example.org", (SECRET, "o" * 40))
AGENTS = (
    Agent("triage", "Triage", ("REST Services User", "Support Agent")),
    Agent("responder", "Responder", ("REST Services User", "Support Agent", "Change Implementor")),
)


class Site:
    """A fake iTop, a client of it, and what we want there."""

    def __init__(self, itop: Console) -> None:
        self.itop = itop
        self.client = Client(itop.address, TOKEN, deadline_s=5)
        org = itop.add("Organization", name="Demo")
        team = itop.add("Team", name="Helpdesk", org_id=org)
        self.pieces = (
            *blueprint.calling(PLACE),
            *blueprint.people(AGENTS, "ethops", org, team),
        )

    def plan(self) -> tuple[Line, ...]:
        return Provisioner(self.client, "").plan(self.pieces)

    def make(self) -> tuple[Line, ...]:
        return Provisioner(self.client, "ethops provision by=ada").carry_out(self.pieces)

    def one(self, itop_class: str) -> dict[str, object]:
        return next(one for one in self.itop.objects.values() if one["finalclass"] == itop_class)

    def count(self) -> int:
        return len(self.itop.objects)

    def writes(self) -> int:
        return sum(call["operation"] != "core/get" for call in self.itop.calls)


@pytest.fixture
def site() -> Iterator[Site]:
    with served(Console()) as itop:
        assert isinstance(itop, Console)
        yield Site(itop)


def states(lines: tuple[Line, ...]) -> set[str]:
    return {line.state for line in lines}


def test_a_plan_writes_nothing(site: Site) -> None:
    assert states(site.plan()) == {"create"}
    assert site.writes() == 0


def test_all_is_made_and_then_there(site: Site) -> None:
    before = site.count()
    assert states(site.make()) == {"created"}
    assert site.count() - before == len(site.pieces)
    written = site.writes()
    assert states(site.make()) == states(site.plan()) == {"there"}
    assert site.writes() == written


def test_no_write_of_ours_calls_back(site: Site) -> None:
    site.make()
    triggers = [one for one in site.itop.objects.values() if "context" in one]
    assert len(triggers) == len([p for p in site.pieces if p.itop_class.startswith("Trigger")])
    assert {one["context"] for one in triggers} == {"GUI:Portal, GUI:Console"}


def test_a_trigger_without_its_guard_does_not_stay(site: Site) -> None:
    site.itop.keeps_context = False
    lines = [line for line in site.make() if line.itop_class.startswith("Trigger")]
    assert states(tuple(lines)) == {"refused"}
    assert not [one for one in site.itop.objects.values() if "context" in one]


def test_bodies_are_escaped_and_itop_waits_for_nobody(site: Site) -> None:
    site.make()
    action = site.one("ActionWebhook")
    assert str(action["headers"]).splitlines() == [
        *("Content-type: application/json", f"X-Ethops-Secret: {SECRET}")
    ]
    assert (action["asynchronous"], action["path"]) == ("yes", "/api/v1/itop/callback")
    assert "title" not in str(action["payload"])


def test_what_differs_is_put_right_and_no_secret_is_said(site: Site) -> None:
    site.make()
    site.one("ActionWebhook")["headers"] = "Content-Type: application/json\nX-Ethops-Secret: old"
    (line,) = [line for line in site.plan() if line.state == "differs"]
    assert (line.piece, line.said) == ("callback", "Not as wanted: headers.")
    done = site.make()
    assert {line.piece for line in done if line.state == "updated"} == {"callback"}
    assert SECRET in str(site.one("ActionWebhook")["headers"])
    assert SECRET not in str(done) + repr(PLACE)


def test_links_of_others_stay_when_ours_is_put_back(site: Site) -> None:
    site.make()
    other = site.itop.add("ActionWebhook", name="of others")
    trigger = site.one("TriggerOnObjectCreate")
    trigger["action_list"] = [{"action_id": str(other), "action_id_friendlyname": "of others"}]
    assert "updated" in states(site.make())
    rows = site.one("TriggerOnObjectCreate")["action_list"]
    assert str(other) in str(rows)
    assert str(site.one("ActionWebhook")["id"]) in str(rows)


def test_a_user_has_the_profiles_of_his_card_and_a_password_that_nobody_knows(site: Site) -> None:
    said = site.make()
    users = [one for one in site.itop.objects.values() if one["finalclass"] == "UserLocal"]
    named = {
        u["login"]: {row["profileid_friendlyname"] for row in u["profile_list"]} for u in users
    }
    assert named == {f"ethops-{one.name}": set(one.profiles) for one in AGENTS}
    words = [str(user["password"]) for user in users]
    assert len(set(words)) == len(AGENTS)
    assert not [word for word in words if word in str(said)]


def test_an_account_of_somebody_else_is_left_alone(site: Site) -> None:
    site.itop.add("UserLocal", login="ethops-triage", contactid=0, profile_list=[])
    line = next(line for line in site.make() if line.piece == "user: triage")
    assert line.state == "taken"
    assert site.one("UserLocal")["profile_list"] == []


def test_what_may_not_be_made_is_said_with_the_mend_and_the_rest_is_made(site: Site) -> None:
    site.itop.denied = {"UserLocal"}
    lines = site.make()
    refused = [line for line in lines if line.state == "refused"]
    assert {line.itop_class for line in refused} == {"UserLocal"}
    assert "Administrator" in refused[0].mend
    assert states(lines) == {"created", "refused"}


def test_without_the_module_people_are_made_all_the_same(site: Site) -> None:
    site.itop.without_webhooks = True
    lines = site.make()
    assert "combodo-webhook-integration" in lines[0].mend
    assert {line.state for line in lines if line.itop_class == "Person"} == {"created"}
    assert not [one for one in site.itop.objects.values() if "context" in one]


def test_a_wrong_token_is_no_plan(site: Site) -> None:
    with pytest.raises(ItopLoginError):
        Provisioner(Client(site.itop.address, "another"), "").plan(site.pieces)


def test_an_answer_that_was_lost_makes_nothing_twice(site: Site) -> None:
    read = "RemoteApplicationConnection"
    site.itop.faults += ["done_then_cut"]
    provisioner = Provisioner(site.client, "")
    provisioner._created(site.pieces[0], blueprint.filled(dict(site.pieces[0].values), {}))
    assert [one["finalclass"] for one in site.itop.objects.values()].count(read) == 1


def test_ours_is_taken_back_and_nothing_else(site: Site) -> None:
    before = dict(site.itop.objects)
    site.make()
    assert {one.state for one in unprovision.plan(site.client, "ethops")} == {"delete"}
    done = unprovision.take_back(site.client, "ethops", "ethops unprovision by=ada")
    assert {one.state for one in done} == {"deleted"}
    assert site.itop.objects == before
    assert unprovision.plan(site.client, "ethops") == ()


def test_another_house_keeps_its_own(site: Site) -> None:
    site.make()
    count = site.count()
    assert unprovision.take_back(site.client, "staging", "c") == ()
    assert site.count() == count


def test_who_has_tickets_stays_and_is_at_rest(site: Site) -> None:
    site.make()
    person = site.one("Person")
    ticket = site.itop.add("Incident", agent_id=person["id"])
    done = unprovision.take_back(site.client, "ethops", "c")
    (left,) = [one for one in done if one.state == "left"]
    assert left.id == person["id"]
    assert f"Incident::{ticket}" in left.said
    assert person["status"] == "inactive"


def test_an_action_that_others_use_stays_and_is_at_rest(site: Site) -> None:
    site.make()
    action = site.one("ActionWebhook")
    rows = [{"action_id": str(action["id"])}]
    site.itop.add("TriggerOnObjectCreate", description="of others", action_list=rows)
    done = {one.itop_class: one for one in unprovision.take_back(site.client, "ethops", "c")}
    assert "of others" in done["ActionWebhook"].said
    assert action["status"] == "disabled"
