"""What discovery proposes, at the desk: accepted by a person's code, declined by his word."""

import json
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adapters import registry
from adapters.cmdb import proposing
from adapters.cmdb.errors import CINotFoundError
from adapters.cmdb.models import Proposal
from adapters.cmdb.proposals import MOVES, STATES
from adapters.telemetry import taken
from ethops.desk import discovery
from tests.integration.api.conftest import api_of


@pytest.fixture
def code(enrolled):
    return enrolled("ada")


@pytest.fixture
def number(clean_db):
    """A host that publishes and is no CI, proposed."""
    taken.bury(raw=b"x", routing_key="telemetry.web-09.lines", message_id="1", why="<i>no one</i>")
    discovery.look()
    return Proposal.objects.get().pk


def page(answer):
    return answer.content.decode()


def address(number):
    return f"/cmdb/proposals/{number}/"


def shown(desk, number):
    return re.search('name="shown" value="([0-9a-f]{64})"', page(desk.get(address(number))))[1]


def decide(desk, number, act, **form):
    return desk.post(address(number), {"act": act, "shown": shown(desk, number), **form})


def noted(role, kind="person.decided_proposal"):
    found = role("owner").execute(
        "SELECT body::text FROM audit_pending WHERE kind = %s ORDER BY n", [kind]
    )
    return [json.loads(body) for (body,) in found.fetchall()]


def test_a_host_that_publishes_becomes_a_ci_once_a_person_accepts_it(desk, code, role, number):
    said = page(desk.get("/cmdb/proposals/"))
    assert ">web-09</a>" in said
    said = page(desk.get(address(number)))
    assert "publishes on the bus as telemetry.web-09.lines: &lt;i&gt;no one&lt;/i&gt;" in said
    with pytest.raises(CINotFoundError):
        registry.reader("cmdb").get("web-09")
    answer = decide(desk, number, "accept", why="It is ours.", **code())
    assert answer.status_code == 302
    one = registry.reader("cmdb").get("web-09")
    assert (one.name, one.ci_class, one.attributes) == ("web-09", "server", {"hostname": "web-09"})
    assert (one.source, one.host, one.lifeline, one.impact) == ("desk", "", False, 2)
    (entry,) = noted(role)
    assert (entry["person"], entry["what"], entry["why"]) == ("ada", "accepted", "It is ours.")
    (declared,) = noted(role, "person.declared_ci")
    assert json.loads(declared["is"]) == json.loads(entry["is"])
    found = Proposal.objects.get()
    assert (found.state, found.decided_by, found.why) == ("accepted", "ada", "It is ours.")
    discovery.look()
    assert Proposal.objects.get().state == "accepted"
    assert "accepted" in page(desk.get("/cmdb/proposals/"))
    assert 'href="/cmdb/ci/web-09/change/"' in page(desk.get(address(number)))


def test_it_may_be_said_otherwise_and_is_withdrawn_then(desk, code, number):
    said = page(desk.get(address(number)))
    assert f'href="/cmdb/ci/new/?proposal={number}"' in said
    form = page(desk.get(f"/cmdb/ci/new/?proposal={number}"))
    assert 'name="ref" value="web-09"' in form
    assert "&quot;hostname&quot;: &quot;web-09&quot;" in form
    named = {"ref": "front", "name": "The front", "class": "vm", "impact": "1", "urgency": "2"}
    shown = re.search('name="shown" value="([0-9a-f]{64})"', form)[1]
    rest = {"attributes": '{"hostname": "web-09"}', "why": "x", "shown": shown, **code()}
    assert desk.post("/cmdb/ci/new/", {**named, **rest}).status_code == 302
    discovery.look()
    assert Proposal.objects.get().state == "withdrawn"


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "9" * 19, "\u0663"])
def test_a_proposal_that_is_none_fills_in_nothing(desk, clean_db, number):
    answer = desk.get("/cmdb/ci/new/", {"proposal": number})
    assert (answer.status_code, "hostname" in page(answer)) == (200, False)


def test_a_ci_that_is_taken_back_is_proposed_again(desk, code, role, number):
    decide(desk, number, "accept", why="It is ours.", **code())
    role("owner").execute("SELECT cmdb.say_at_desk('web-09', '{}')")
    taken.bury(raw=b"y", routing_key="telemetry.web-09.lines", message_id="2", why="no one")
    discovery.look()
    assert Proposal.objects.get().state == "proposed"


def test_what_is_declined_stays_so(desk, ada, role, number):
    assert decide(desk, number, "decline", why="A test machine.").status_code == 302
    (entry,) = noted(role)
    assert (entry["person"], entry["what"]) == ("ada", "declined")
    taken.bury(raw=b"y", routing_key="telemetry.web-09.lines", message_id="2", why="no one")
    discovery.look()
    found = Proposal.objects.get()
    assert (found.state, found.times, found.why) == ("declined", 2, "A test machine.")
    assert list(proposing.waiting()) == []
    assert noted(role, "person.declared_ci") == []


REFUSED = {
    "no code": ("accept", {"why": "x"}, "code is not right"),
    "no reason": ("accept", {}, "Nobody says why"),
    "no reason to decline": ("decline", {}, "Nobody says why"),
    "neither": ("both", {"why": "x"}, "Accept it or decline it"),
}


@pytest.mark.parametrize(("act", "form", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_said_and_nothing_is_done(desk, code, role, number, act, form, why):
    code()
    answer = decide(desk, number, act, **form)
    assert answer.status_code == 422
    assert why in page(answer)
    assert Proposal.objects.get().state == "proposed"
    assert noted(role) == []


def test_nobody_accepts_without_a_second_factor(desk, role, number):
    answer = decide(desk, number, "accept", why="x", code="123456")
    assert "You have no second factor" in page(answer)
    assert Proposal.objects.get().state == "proposed"


def test_who_may_not_declare_cis_decides_nothing_by_page_or_door(bo, enrolled, role, number):
    code = enrolled(bo.username)
    client = Client()
    client.force_login(bo)
    assert "ask an admin" in page(client.get(address(number)))
    digest = proposing.digest(number)
    for act in ("accept", "decline"):
        form = {"act": act, "why": "x", "shown": digest, **code()}
        assert client.post(address(number), form).status_code == 422
    link = role("app")
    for statement, values in (
        ("SELECT code FROM gate.accept_proposal(%s, %s, 'x', %s, %s)",
         [bo.username, number, code()["code"], digest]),
        ("SELECT code FROM gate.decline_proposal(%s, %s, 'x', %s)", [bo.username, number, digest]),
    ):  # fmt: skip
        assert link.execute(statement, values).fetchone() == ("approvals.forbidden",)
    assert [one["code"] for one in noted(role, "person.refused")] == ["approvals.forbidden"] * 2
    assert Proposal.objects.get().state == "proposed"


def test_what_was_seen_otherwise_meanwhile_is_to_be_looked_at_again(desk, code, role, number):
    drawn = shown(desk, number)
    role("owner").execute('UPDATE cmdb_proposal SET said = said || \'{"ci_class": "router"}\'')
    for act in ("accept", "decline"):
        form = {"act": act, "why": "x", "shown": drawn, **code()}
        answer = desk.post(address(number), form)
        assert (answer.status_code, "look again" in page(answer)) == (422, True)
    assert Proposal.objects.get().state == "proposed"
    # What was drawn with the refusal is what there is, and may be decided about.
    drawn = re.search('name="shown" value="([0-9a-f]{64})"', page(answer))[1]
    form = {"act": "decline", "why": "x", "shown": drawn}
    assert desk.post(address(number), form).status_code == 302


def test_what_is_decided_is_decided_once(desk, code, role, number):
    drawn = shown(desk, number)
    decide(desk, number, "decline", why="x")
    form = {"act": "accept", "why": "x", "shown": drawn, **code()}
    answer = desk.post(address(number), form)
    assert "It is declined by now" in page(answer)
    with pytest.raises(CINotFoundError):
        registry.reader("cmdb").get("web-09")


DECIDE = {
    "accept": "SELECT code, reason FROM gate.accept_proposal('ada', %(number)s, 'x', %(code)s,"
    " %(shown)s)",
    "decline": "SELECT code, reason FROM gate.decline_proposal('ada', %(number)s, 'x', %(shown)s)",
}
DECIDED = {("proposed", "accept"): "accepted", ("proposed", "decline"): "declined"}


@pytest.mark.parametrize("act", DECIDE)
@pytest.mark.parametrize("state", STATES)
def test_only_what_waits_is_decided_about_and_all_else_stays_as_it_was(
    desk, code, role, number, state, act
):
    role("owner").execute("UPDATE cmdb_proposal SET state = %s", [state])
    before, factor = Proposal.objects.values().get(), factors(role)
    given = {"number": number, "shown": proposing.digest(number), **code()}
    found = role("app").execute(DECIDE[act], given).fetchone()
    after = Proposal.objects.values().get()
    said = [one["what"] for one in noted(role)]
    becomes = DECIDED.get((state, act))
    assert becomes == MOVES[state].get(act), "the table and the doors say the same"
    if becomes:
        assert (found[0], after["state"], after["decided_by"]) == ("ok", becomes, "ada")
        assert said == [becomes]
    else:
        assert found == ("approvals.unfit_ci", f"it is {state} by now")
        assert (after, factors(role), said) == (before, factor, [])
    is_ci = registry.reader("cmdb").search("web-09") != ()
    assert is_ci == (becomes == "accepted") == bool(noted(role, "person.declared_ci"))


def factors(role):
    """The second factors: which codes are used up, and how many were wrong."""
    return role("owner").execute("SELECT * FROM approvals_factor").fetchall()


def test_there_is_no_page_of_a_proposal_that_is_none(desk, clean_db):
    for number in (1, 2**70):
        assert desk.get(address(number)).status_code == 404


def attribute(role, number, ref, source):
    """A CI that one source declares, and a proposal that its `os` is another."""
    words = {"ref": True, "name": ref, "ci_class": "vm", "attributes.os": "Debian 11"}
    said = [{"ref": ref, "field": name, "value": value} for name, value in words.items()]
    link = role("owner")
    link.execute("SELECT * FROM cmdb.say(%s, %s::jsonb, NULL)", [source, json.dumps(said)])
    link.execute(
        "UPDATE cmdb_proposal SET kind = 'attribute', name = 'os', about = %s, ref = %s,"
        ' said = \'{"attributes.os": "Debian 12"}\' WHERE id = %s', [ref, ref, number],
    )  # fmt: skip


def test_an_attribute_is_the_desks_word_before_an_import(desk, code, role, number):
    attribute(role, number, "web-02", "import:a")
    assert "by now Debian 11, says import:a" in page(desk.get(address(number)))
    assert decide(desk, number, "accept", why="I looked.", **code()).status_code == 302
    one = registry.reader("cmdb").get("web-02")
    assert (one.attributes["os"], one.source) == ("Debian 12", "import:a")


def test_an_attribute_of_the_site_file_is_changed_there(desk, code, role, number):
    attribute(role, number, "web-02", "site")
    said = page(desk.get(address(number)))
    assert "The site file says otherwise" in said
    assert "second factor" not in said
    found = role("app").execute(
        "SELECT code, reason FROM gate.accept_proposal('ada', %s, 'x', %s, %s)",
        [number, code()["code"], proposing.digest(number)],
    )
    assert found.fetchone() == ("approvals.unfit_ci", "the site file says it: change it there")


def test_a_program_reads_them_and_decides_nothing(api, number):
    (one,) = api.get("/api/v1/proposals?state=proposed&kind=host").json()["results"]
    assert (one["key"], one["seen"][0]["times"]) == ("host:web-09", 1)
    assert api.get(f"/api/v1/proposals/{number}").json()["said"]["name"] == "web-09"
    assert api.post(f"/api/v1/proposals/{number}", {}).status_code == 405
    stranger = api_of(User.objects.create_user("cy", password="correct horse"))
    assert stranger.get("/api/v1/proposals").status_code == 403
