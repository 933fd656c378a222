"""Cards approved by page and by API: what is shown, who may, and where a waiting one is seen."""

import json

import pytest
from django.contrib.auth.models import Permission, User

from adapters.inference import rendering
from tests.doubles import authenticator
from tests.integration.api.conftest import api_of

PATH = "/api/v1/cards/responder"
DIGEST = "c" * 64
WAS, IS = "Mends.", "Mends, and scales <b>clusters</b>."


@pytest.fixture(autouse=True)
def changed(scene):
    """The scene's card was approved as it was; then another file was loaded, and other prompts."""
    before = {"purpose": WAS, "prompt_digest": "", "grants": []}
    scene.one(
        "owner",
        "INSERT INTO guardrails_cardapproval (card, digest, prompt_digest, by, why, document, told)"
        " VALUES ('responder', %s, '', 'eve', 'as it was', %s, %s)",
        "b" * 64, json.dumps(before), json.dumps(["You are somebody else.", {}]),
    )  # fmt: skip
    document = {
        "purpose": IS,
        "prompt_digest": rendering.prompt_digest("responder"),
        "grants": [{"verb": "playbook.run", "entries": ["restart"], "ci_classes": ["service"]}],
    }
    scene.one(
        "owner",
        "UPDATE personas_card SET digest = %s, document = %s, purpose = %s",
        DIGEST, json.dumps(document), IS,
    )  # fmt: skip
    return scene


def risky(scene):
    scene.one("owner", "UPDATE personas_catalogueentry SET risk = 'high'")


def enrol(scene, person="ada"):
    secret = bytes(scene.one("owner", "SELECT gate.enrol_factor(%s, 'root') AS s", person)["s"])
    scene.one("owner", "UPDATE approvals_factor SET confirmed_at = now()")
    return authenticator.code(secret)


def is_approved(scene):
    return scene.one("app", "SELECT gate.card_approved('responder') AS yes")["yes"]


def page(desk):
    return desk.get("/cards/responder/").content.decode()


def press(desk, **fields):
    shown = {"digest": DIGEST, "prompt_digest": rendering.prompt_digest("responder")}
    return desk.post("/cards/responder/", {**shown, "why": "I have read it", **fields})


# ---------------------------------------------------------------- the page


def test_the_page_shows_what_would_be_approved_and_what_has_changed(desk):
    said = page(desk)
    assert DIGEST in said
    assert rendering.prompt_digest("responder") in said
    assert f"-  &quot;purpose&quot;: &quot;{WAS}&quot;" in said
    assert (
        "+  &quot;purpose&quot;: &quot;Mends, and scales &lt;b&gt;clusters&lt;/b&gt;.&quot;" in said
    )
    assert "-You are somebody else." in said
    assert "+You are the responder of an IT operations team." in said
    assert "waits for a person" in said


def test_it_is_the_page_of_the_row_too(desk):
    answer = desk.get("/personas/card/responder/change/")
    assert "Changed since the last approval" in answer.content.decode()


def test_there_is_no_page_of_a_card_that_is_not_there(desk):
    assert desk.get("/cards/nobody/").status_code == 404


def test_a_person_approves_on_the_page(desk, scene):
    assert press(desk).status_code == 302
    assert is_approved(scene)
    row = scene.one("app", "SELECT * FROM guardrails_cardapproval WHERE digest = %s", DIGEST)
    assert (row["by"], row["why"], row["told"]) == (
        "ada", "I have read it", rendering.told("responder"),
    )  # fmt: skip
    said = page(desk)
    assert "approved as it is loaded" in said
    assert "Approve what is shown" not in said


REFUSED = {
    "no reason": ({"why": ""}, "Say why."),
    "another digest": ({"digest": "d" * 64}, "is loaded otherwise than you were shown"),
    "other prompts": ({"prompt_digest": "d" * 64}, "is told otherwise than you were shown"),
    "no code at all": ({"code": "12345"}, "Six digits."),
    "nobody's code": ({"code": "123456"}, "You have no second factor"),
}


@pytest.mark.parametrize(("changes", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal_is_said_on_the_page_and_approves_nothing(desk, scene, changes, why):
    answer = press(desk, **changes)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not is_approved(scene)


def test_a_card_with_risky_rights_asks_for_a_code(desk, scene):
    risky(scene)
    code = enrol(scene)
    assert 'name="code"' in page(desk)
    assert [press(desk).status_code, press(desk, code=code).status_code] == [422, 302]
    assert is_approved(scene)


def test_who_may_not_approve_is_told_so(client, bo, scene):
    client.force_login(bo)
    said = client.get("/cards/responder/").content.decode()
    assert "You may not approve cards" in said
    assert "Approve what is shown" not in said
    assert press(client).status_code == 422
    assert not is_approved(scene)


def test_a_page_of_another_version_approves_nothing(desk, scene):
    scene.one(
        "owner",
        "UPDATE personas_card SET document = document || %s",
        json.dumps({"prompt_digest": "e" * 64}),
    )
    assert "runs another version than what is loaded" in page(desk)
    assert press(desk, prompt_digest="e" * 64).status_code == 422
    assert not is_approved(scene)


def test_a_card_that_waits_is_seen_where_a_person_looks(desk):
    said = desk.get("/").content.decode()
    assert '<a href="/cards/responder/">Approve the card Responder?</a>' in said
    assert "<strong>1 card</strong>" in said


def test_a_card_that_was_approved_waits_no_more(desk):
    press(desk)
    assert "Approve the card" not in desk.get("/").content.decode()


# ---------------------------------------------------------------- the API


def shown(api):
    return api.get(f"{PATH}/approval").json()


def approve(api, **fields):
    found = shown(api)
    said = {"digest": found["digest"], "prompt_digest": found["prompt_digest"],
            "why": "I have read it", **fields}  # fmt: skip
    return api.post(f"{PATH}/approve", said, format="json")


def test_the_api_shows_the_same(api):
    found = shown(api)
    assert (found["approved"], found["digest"], found["needs_code"]) == (False, DIGEST, False)
    assert found["told"] == rendering.told("responder")
    assert f'-  "purpose": "{WAS}"' in found["changes"]
    assert found["last"]["by"] == "eve"


def test_a_person_approves_over_the_api_with_a_code(api, scene):
    answer = approve(api, code=enrol(scene))
    assert (answer.status_code, answer.json()["approved"]) == (200, True)
    assert is_approved(scene)
    assert answer.json()["last"]["factor"] == "totp"


def test_a_token_alone_never_approves(api, scene):
    answer = approve(api)
    assert (answer.status_code, "code" in answer.json()["errors"]) == (400, True)
    assert not is_approved(scene)


OVER_API = {
    "a wrong code": ({"code": "000000"}, 403, "approvals.wrong_code"),
    "another digest": ({"digest": "d" * 64}, 409, "cards.other_loaded"),
    "other prompts": ({"prompt_digest": "d" * 64}, 409, "cards.other_loaded"),
    "no digest": ({"digest": "x"}, 400, "request.invalid"),
    "no reason": ({"why": ""}, 400, "request.invalid"),
}


@pytest.mark.parametrize(("changes", "status", "code"), OVER_API.values(), ids=OVER_API.keys())
def test_the_api_refuses_what_the_page_refuses(api, scene, changes, status, code):
    answer = approve(api, **{"code": enrol(scene), **changes})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not is_approved(scene)


def test_a_person_without_the_permission_approves_nothing(bo, scene):
    answer = approve(api_of(bo), code=enrol(scene, "bo"))
    assert (answer.status_code, answer.json()["code"]) == (403, "approvals.forbidden")
    assert not is_approved(scene)


def test_a_person_with_the_permission_may(bo, scene):
    bo.user_permissions.add(Permission.objects.get(content_type__app_label="approvals",
                                                   codename="approve"))  # fmt: skip
    assert approve(api_of(User.objects.get(pk=bo.pk)), code=enrol(scene, "bo")).status_code == 200


def test_there_is_nothing_to_approve_of_a_card_that_is_not_there(api):
    assert api.get("/api/v1/cards/nobody/approval").status_code == 404
