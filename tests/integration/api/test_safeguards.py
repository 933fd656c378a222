"""Safeguards on the desk: how they stand, and what people say of them with their second factor."""

import html
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adapters import registry
from adapters.compliance import judgement, services
from adapters.compliance.collectors import observe
from adapters.compliance.port import Fact
from adapters.compliance.safeguards import CIS
from ethops.logins import people

UNTIL = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
SAID = {"why": "All <b>seven</b> were taught", "document": "https://wiki.example/t",
        "until": UNTIL, "ci": "", "act": "attest"}  # fmt: skip


@pytest.fixture
def code(enrolled):
    return enrolled("ada")


def page(answer):
    return html.unescape(answer.content.decode())


def kept():
    return registry.reader("compliance").observations()


def attest(client, now, number="14.1", **more):
    return client.post(f"/safeguards/{number}/", {**SAID, **now(), **more})


def test_the_list_has_every_safeguard_and_says_how_each_is_known(desk, code):
    values = {"connection": "ssh"}
    services.keep(observe([Fact("host", "web-01", datetime.now(UTC), "cmdb", values, "d")]))
    attest(desk, code)
    told = page(desk.get("/safeguards/"))
    assert told.count('href="/safeguards/') == 56 + 1, "and the line of the rail"
    assert "2 carried in part and 54 nobody knows" in told
    assert told.count(">measured<") == told.count(">attested<") == 1


def test_a_word_is_kept_and_shown_as_what_it_is(desk, code):
    assert attest(desk, code).status_code == 302
    (one,) = kept()
    assert (one.kind, one.safeguard, one.outcome) == ("person.attested", "14.1", "met")
    answer = desk.get("/safeguards/14.1/")
    told = answer.content.decode()
    assert "ada says: All &lt;b&gt;seven&lt;/b&gt; were taught" in told
    assert "attested, until " in told
    assert "Only a person can say it." in told


def test_a_word_is_taken_back_by_another_button(desk, code, role):
    attest(desk, code)
    role("owner").execute("UPDATE approvals_factor SET last_step = 0")
    attest(desk, code, act="withdraw", why="Three have come since")
    assert "spoken against" in page(desk.get("/safeguards/14.1/"))


REFUSED = {
    "a wrong code": ({"code": "000000"}, "The code is not right."),
    "no day": ({"until": "soon"}, "such as 2027-06-30"),
    "a day too far": ({"until": "2999-01-01"}, "within a year"),
    "no address": ({"document": "in the drawer"}, "address of the document"),
    "too few words": ({"why": "done"}, "10 to 150"),
    "no such CI": ({"ci": "web-99"}, "web-99"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_shown_again_with_why_and_without_the_code(desk, code, name):
    wrong, why = REFUSED[name]
    answer = attest(desk, code, **wrong)
    told = page(answer)
    assert (answer.status_code, why in told, kept()) == (422, True, ())
    for field in ("why", "document", "until", "ci"):
        assert {**SAID, **wrong}[field] in told
    assert 'name="code" inputmode' in told
    assert "000000" not in told


@pytest.mark.parametrize("given", ["operator", "auditor"])
def test_who_may_not_attest_sees_how_it_stands_and_keeps_nothing(role, code, servers, given):
    people.load()
    bo = User.objects.create_user("bo")
    people.give(bo, [given], by="ada")
    client = Client()
    client.force_login(bo)
    told = page(client.get("/safeguards/14.1/"))
    assert "Approvers and admins say what is so of a safeguard." in told
    assert 'name="code"' not in told
    answer = client.post("/safeguards/14.1/", {**SAID, **code()})
    assert answer.status_code in {403, 422}
    assert kept() == ()


def test_the_page_of_one_is_judged_by_that_one_alone(desk, monkeypatch):
    at, values = datetime.now(UTC), {"connection": "ssh"}
    services.keep(observe([Fact("host", "web-01", at, "cmdb", values, "d")]))
    services.keep(observe([Fact("inventory", "", at, "cmdb", {"cis": 1, "hosts": 1}, "d")]))
    reader, judged = registry.reader("compliance"), list[str]()
    judge = judgement.judge

    def watched(seen, *args, **more):
        judged.extend(one.safeguard for one in seen)
        return judge(seen, *args, **more)

    monkeypatch.setattr(judgement, "judge", watched)
    assert "web-01" in page(desk.get("/safeguards/4.6/"))
    assert judged == ["4.6"]
    whole = reader.findings(CIS, at=at)
    for number in ("1.1", "4.6", "14.1"):
        own = tuple(one for one in whole if one.safeguard == number)
        assert reader.findings(CIS, safeguard=number, at=at) == own != ()


def test_there_is_no_safeguard_13_1(desk):
    assert desk.get("/safeguards/13.1/").status_code == 404
