"""CIs said at the desk: by who may, with his second factor, checked, behind the site file."""

import hashlib
import json
import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from adapters import registry
from adapters.cmdb import queries
from adapters.cmdb.errors import CINotFoundError
from ethops.logins import people
from tests.conftest import point_django

NOTHING = hashlib.sha256(b"[]").hexdigest()
NEW = {
    "shown": NOTHING,
    "ref": "shop",
    "name": "The shop",
    "class": "web",
    "impact": "1",
    "urgency": "2",
    "lifeline": "on",
    "depends_on": "web-01\nelsewhere",
    "attributes": '{"unit": "shop.service"}',
    "why": "It is there.",
}
SITE = {
    "ref": True, "name": "web-01", "ci_class": "vm", "impact": 1, "managed_by": "declaration",
    "attributes.unit": "nginx.service",
}  # fmt: skip


@pytest.fixture
def code(enrolled):
    return enrolled("ada")


@pytest.fixture
def declared(role):
    """`declared("site", "web-01", SITE)` has a source of the owner's say this."""
    link = role("owner")

    def say(source, ref, words):
        said = [{"ref": ref, "field": name, "value": value} for name, value in words.items()]
        link.execute("SELECT * FROM cmdb.say(%s, %s::jsonb, NULL)", [source, json.dumps(said)])

    return say


def shop():
    return registry.reader("cmdb").get("shop")


def page(answer):
    return answer.content.decode()


def digest_in(answer):
    return re.search('name="shown" value="([0-9a-f]{64})"', page(answer))[1]


def shown(desk, ref):
    return digest_in(desk.get(f"/cmdb/ci/{ref}/edit/"))


def change(desk, ref, form):
    """Send the form of a CI as it is drawn now."""
    return desk.post(f"/cmdb/ci/{ref}/edit/", {**form, "shown": shown(desk, ref)})


def noted(role):
    found = role("owner").execute(
        "SELECT body::text FROM audit_pending WHERE kind = 'person.declared_ci' ORDER BY n"
    )
    return [json.loads(body) for (body,) in found.fetchall()]


def test_a_new_ci_is_said_with_a_code_and_on_record(desk, code, role, declared):
    declared("site", "web-01", SITE)
    answer = desk.post("/cmdb/ci/new/", {**NEW, **code()})
    assert answer.status_code == 302, page(answer)
    one = shop()
    assert (one.name, one.ci_class, one.impact, one.lifeline, one.source, one.managed_by) == (
        *("The shop", "web", 1, True, "desk", "desk"),
    )
    assert one.attributes == {"unit": "shop.service", "depends_on": ["web-01", "elsewhere"]}
    (entry,) = noted(role)
    assert (entry["person"], entry["why"], entry["factor"]) == ("ada", "It is there.", "totp")
    rows = role("owner").execute(
        "SELECT support, source FROM cmdb_relation WHERE dependent = 'shop' AND NOT gone ORDER BY 1"
    )
    assert rows.fetchall() == [("elsewhere", "desk"), ("web-01", "desk")]
    said = page(desk.get("/cmdb/ci/shop/change/"))
    assert "desk<br>" in said


REFUSED = {
    "no code": ({"code": ""}, "code is not right"),
    "no reason": ({"why": ""}, "Nobody says why"),
    "no name": ({"name": ""}, "`name`"),
    "a class that is none": ({"class": "Web Server"}, "`class`"),
    "an impact that is none": ({"impact": "9"}, "`impact`"),
    "a ref that is none": ({"ref": "../x"}, "`ref`"),
    "attributes that are none": ({"attributes": "[1"}, "no JSON"),
    "an attribute that is none": ({"attributes": '{"a b": 1}'}, "`attributes"),
    "a host that is none": ({"host": "nowhere"}, "Host cannot be nowhere"),
}


@pytest.mark.parametrize(("changes", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_said_and_nothing_is_kept(desk, code, role, changes, why):
    answer = desk.post("/cmdb/ci/new/", {**NEW, **code(), **changes})
    assert answer.status_code == 422
    assert why.replace("'", "&#x27;") in page(answer)
    with pytest.raises(CINotFoundError):
        shop()
    assert noted(role) == []


def test_nobody_without_a_second_factor_says_anything(desk):
    answer = desk.post("/cmdb/ci/new/", {**NEW, "code": "123456"})
    assert answer.status_code == 422
    assert "You have no second factor" in page(answer)


def test_who_is_no_admin_says_nothing_by_page_or_door(bo, enrolled, role):
    code = enrolled(bo.username)
    client = Client()
    client.force_login(bo)
    assert "ask an admin" in page(client.get("/cmdb/ci/new/"))
    assert client.post("/cmdb/ci/new/", {**NEW, **code()}).status_code == 422
    said = role("app").execute(
        "SELECT code FROM gate.declare_ci(%s, 'shop', %s, 'why', %s, %s)",
        [bo.username, '{"ref": true, "name": "x", "ci_class": "y"}', code()["code"], NOTHING],
    )
    assert said.fetchone() == ("approvals.forbidden",)
    with pytest.raises(CINotFoundError):
        shop()


def test_what_the_site_file_says_is_shown_and_stays(desk, code, declared):
    declared("site", "web-01", SITE)
    said = page(desk.get("/cmdb/ci/web-01/edit/"))
    assert "declared in the site file: change it there" in said
    assert 'name="name"' not in said
    assert 'name="urgency"' in said
    assert "<b>high</b>" in said
    form = {"name": "mine", "class": "x", "impact": "3", "urgency": "1", "why": "x", **code()}
    assert change(desk, "web-01", form).status_code == 302
    one = registry.reader("cmdb").get("web-01")
    assert (one.name, one.ci_class, one.impact, one.urgency) == ("web-01", "vm", 1, 1)
    assert one.attributes == {"unit": "nginx.service"}
    assert one.source == "site"


def test_a_refused_form_shows_what_the_site_file_says_too(desk, code, declared):
    declared("site", "web-01", {**SITE, "attributes.runs_on": ["pve-1", "pve-2"]})
    drawn = desk.get("/cmdb/ci/web-01/edit/")
    answer = change(desk, "web-01", {"urgency": "1", **code()})
    assert answer.status_code == 422
    before, after = (
        {one.name: one.value for one, by in each.context["fields"] if by}
        for each in (drawn, answer)
    )
    assert before == after
    assert (after["name"], after["impact"], after["runs_on"]) == ("web-01", "high", "pve-1\npve-2")


def test_what_an_import_says_may_be_said_otherwise_and_taken_back(desk, enrolled, declared, role):
    declared("import:a", "shop", {**SITE, "name": "Shop"})
    code = enrolled("ada")
    form = {**NEW, "name": "Better", "lifeline": "", "depends_on": "", "attributes": ""}
    assert change(desk, "shop", {**form, **code()}).status_code == 302
    assert (shop().name, shop().attributes) == ("Better", {"unit": "nginx.service"})
    role("owner").execute("UPDATE approvals_factor SET last_step = 0")
    back = {"act": "take back", "why": "wrong", **code()}
    assert change(desk, "shop", back).status_code == 302
    assert shop().name == "Shop"


def test_a_ci_of_the_desk_is_retired_when_it_is_taken_back(desk, code, role):
    desk.post("/cmdb/ci/new/", {**NEW, **code()})
    role("owner").execute("UPDATE approvals_factor SET last_step = 0")
    back = {"act": "take back", "why": "gone", **code()}
    assert change(desk, "shop", back).status_code == 302
    assert shop().retired is True


def test_the_desk_keeps_no_word_that_says_what_is_so_without_it(desk, code, declared, role):
    declared("import:a", "shop", {**SITE, "name": "Shop", "impact": 2})
    form = {
        "name": "Shop", "class": "vm", "impact": "2", "urgency": "2",
        "attributes": '{"unit": "nginx.service"}', "runs_on": "pve",
    }  # fmt: skip
    assert change(desk, "shop", {**form, "why": "x", **code()}).status_code == 302
    rows = role("owner").execute("SELECT field FROM cmdb_claim WHERE source = 'desk'").fetchall()
    assert rows == [("attributes.runs_on",)]


def test_a_ci_that_is_there_is_changed_and_not_made_anew(desk, code, declared):
    declared("import:a", "shop", {**SITE, "name": "Shop"})
    answer = desk.post("/cmdb/ci/new/", {**NEW, **code()})
    assert 'There is a CI shop already. <a href="/cmdb/ci/shop/edit/">' in page(answer)
    assert desk.get("/cmdb/ci/shop/edit/").status_code == 200
    assert "It is there.</textarea>" in page(answer)
    assert shop().name == "Shop"


def test_there_is_no_form_of_a_ci_that_nobody_declares(desk):
    assert desk.get("/cmdb/ci/nowhere/edit/").status_code == 404


def test_what_was_said_since_the_form_was_drawn_is_not_overruled_unseen(desk, code, declared, role):
    declared("import:a", "shop", {**SITE, "name": "Shop"})
    form = {"name": "Shop", "class": "vm", "impact": "3", "urgency": "2", "why": "x"}
    drawn = shown(desk, "shop")
    declared("import:a", "shop", {**SITE, "name": "Shop", "lifeline": True})
    answer = desk.post("/cmdb/ci/shop/edit/", {**form, "shown": drawn, **code()})
    assert answer.status_code == 422
    assert "meanwhile: look again" in page(answer)
    assert "load the page again and read what it says now" in page(answer)
    assert f'value="{drawn}"' in page(answer), "sent again, it is refused again"
    assert (shop().lifeline, noted(role)) == (True, [])


def test_what_is_said_while_the_form_is_drawn_is_not_overruled_unseen(
    desk, code, declared, role, monkeypatch
):
    declared("import:a", "shop", {**SITE, "name": "Shop"})
    read = queries.stands_of

    def and_then(ref, **without):
        """Somebody speaks right after the words of the form were read."""
        found = read(ref, **without)
        monkeypatch.setattr(queries, "stands_of", read)
        declared("import:a", "shop", {**SITE, "name": "Theirs"})
        return found

    monkeypatch.setattr(queries, "stands_of", and_then)
    drawn = desk.get("/cmdb/ci/shop/edit/")
    assert 'value="Shop"' in page(drawn)
    form = {"name": "Shop", "class": "vm", "impact": "3", "urgency": "2", "why": "x", **code()}
    answer = desk.post("/cmdb/ci/shop/edit/", {**form, "shown": digest_in(drawn)})
    assert answer.status_code == 422
    assert "meanwhile: look again" in page(answer)
    assert (shop().name, noted(role)) == ("Theirs", [])


def test_what_was_typed_is_still_there_where_others_spoke_meanwhile(desk, code, declared):
    declared("import:a", "shop", {**SITE, "name": "Shop"})
    drawn = shown(desk, "shop")
    declared("import:a", "shop", {**SITE, "name": "Theirs"})
    typed = {
        "name": "Mine", "class": "box", "impact": "3", "urgency": "1", "user_facing": "on",
        "depends_on": "first\nsecond", "attributes": '{"unit": "mine"}', "why": "I saw <it>.",
    }  # fmt: skip
    answer = desk.post("/cmdb/ci/shop/edit/", {**typed, "shown": drawn, **code()})
    assert answer.status_code == 422
    again = answer.context["fields"]
    assert {one.name: one.value for one, _ in again if one.name in typed} == {
        name: value for name, value in typed.items() if name != "why"
    }
    assert "I saw &lt;it&gt;.</textarea>" in page(answer)
    assert '/cmdb/ci/shop/edit/">Look again</a>' in page(answer)
    assert "Look again" not in page(desk.get("/cmdb/ci/shop/edit/"))


def test_a_form_that_says_not_what_it_showed_is_never_vouched_for(desk, code, declared):
    declared("import:a", "shop", {**SITE, "name": "Shop"})
    form = {"name": "Mine", "class": "vm", "impact": "3", "urgency": "2", "why": "x", **code()}
    answer = desk.post("/cmdb/ci/shop/edit/", form)
    assert answer.status_code == 422
    assert 'name="shown" value=""' in page(answer)
    assert shop().name == "Shop"


def test_a_name_with_spaces_is_one_name(desk, code, declared, role):
    words = {**SITE, "name": "Shop", "attributes.runs_on": "Main DB"}
    declared("import:a", "shop", words)
    form = {"name": "Shop", "class": "vm", "impact": "3", "urgency": "2", "runs_on": "Main DB",
            "attributes": '{"unit": "nginx.service"}', "why": "x"}  # fmt: skip
    assert change(desk, "shop", {**form, **code()}).status_code == 302
    rows = role("owner").execute("SELECT field FROM cmdb_claim WHERE source = 'desk'").fetchall()
    assert rows == [("impact",)]
    assert shop().attributes["runs_on"] == "Main DB"


def test_who_named_a_ci_before_it_was_there_stands_on_it(desk, code, declared, role):
    declared("import:a", "web", {**SITE, "name": "web", "attributes.depends_on": ["The shop"]})
    role("owner").execute("SELECT cmdb.restate('web')")
    assert desk.post("/cmdb/ci/new/", {**NEW, **code()}).status_code == 302
    rows = role("owner").execute(
        "SELECT support FROM cmdb_relation WHERE dependent = 'web' AND NOT gone"
    )
    assert rows.fetchall() == [("shop",)]


HOSTILE = {
    "another field": {"retired": False},
    "a field of the row": {"inventory_host_id": "x"},
    "text as truth": {"lifeline": "no"},
    "a scale beyond": {"impact": 0},
    "no ci at all": {"name": "x"},
    "a control character": {"ref": True, "name": "a\nb", "ci_class": "x"},
    "no words": [],
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_door_checks_what_a_page_would_not_say(ada, code, role, said):
    found = role("app").execute(
        "SELECT code FROM gate.declare_ci('ada', 'shop', %s, 'why', %s, %s)",
        [json.dumps(said), code()["code"], NOTHING],
    )
    assert found.fetchone() == ("approvals.unfit_ci",)


def test_an_admin_may_and_an_operator_may_not(role, clean_db, servers, database_name):
    User.objects.create(username="bob", is_staff=True)

    def may():
        return role("app").execute("SELECT gate.may_declare('bob')").fetchone()[0]

    people.load()
    people.give(User.objects.get(username="bob"), ["operator"], by="root")
    assert may() is False
    people.give(User.objects.get(username="bob"), ["admin"], by="root")
    assert may() is True
    assert Group.objects.filter(name="admin").exists()
    point_django(servers, database_name, "ethops_app")
