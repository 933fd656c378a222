"""`manage.py adapters provision itop`: shown first, done when told so, on record, taken back."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ethops.desk import provisioning
from ethops.management.commands import _adapters_itop
from personas import conf
from personas.cards import read_cards
from tests.doubles.itop.console import Console
from tests.doubles.itop.house import House, housed
from tests.doubles.itop.server import TOKEN, USER

SECRET = "0123456789abcdef0123456789abcdef"
pytestmark = pytest.mark.django_db


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    """A fake iTop whose administrator we are."""
    with housed(Console()) as one:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": one.settings()}
        settings.ETHOPS_ITOP_CALLBACK_SECRETS = (SECRET,)
        settings.ETHOPS_URL = "https://ops.example.org"
        yield one


def run(part: str, *more: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("adapters", part, "itop", "--by", "ada", *more, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(ended.code or 0)
    return out.getvalue(), 0


def noted() -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body FROM audit_pending WHERE kind = 'person.provisioned' ORDER BY n"
        )
        return [json.loads(body) for (body,) in cursor.fetchall()]


def writes(house: House) -> int:
    return sum(call["operation"] != "core/get" for call in house.itop.calls)


def test_without_yes_it_is_shown_and_nothing_is_done(house: House) -> None:
    said, status = run("provision")
    assert (status, writes(house), noted()) == (0, 0, [])
    assert "create    callback  (ActionWebhook)" in said
    assert said.endswith("Nothing was done. Give --yes to have it done.\n")


def test_it_is_done_once_and_on_record(house: House) -> None:
    said, status = run("provision", "--yes")
    assert status == 0
    assert SECRET not in said
    assert house.object("ActionWebhook")["remoteapplicationconnection_id"]
    (entry,) = noted()
    assert (entry["by"], entry["what"]) == ("ada", "provision")
    assert SECRET not in json.dumps(entry)
    written = writes(house)
    assert run("provision", "--yes") == (run("provision")[0], 0)
    assert writes(house) == written


def test_programs_read_it(house: House) -> None:
    shown = json.loads(run("provision", "--json")[0])
    assert (shown["done"], {one["state"] for one in shown["pieces"]}) == (False, {"create"})
    done = json.loads(run("provision", "--json", "--yes")[0])
    assert (done["done"], {one["state"] for one in done["pieces"]}) == (True, {"created"})


def test_each_card_that_is_dispatched_is_somebody_in_our_team(house: House) -> None:
    run("provision", "--yes")
    cards = [one.document for one in read_cards(conf.cards_folder())[0]]
    people = [one for one in house.objects("Person") if one.get("employee_number")]
    assert {one["employee_number"] for one in people} == {
        f"ethops:{card.name}" for card in cards if card.dispatchable
    }
    assert {str(one["team_list"]) for one in people} == {str([{"team_id": house.team}])}
    assert {one["org_id"] for one in people} == {house.org}


def test_no_card_may_approve_or_administer() -> None:
    cards = [one.document for one in read_cards(conf.cards_folder())[0]]
    profiles = {one for agent in provisioning.agents(cards) for one in agent.profiles}
    assert profiles == {"REST Services User", "Support Agent", "Change Implementor"}


def test_what_is_left_to_a_person_is_no_success(house: House) -> None:
    assert isinstance(house.itop, Console)
    house.itop.denied = {"UserLocal"}
    said, status = run("provision", "--yes")
    assert status == 1
    assert "Administrator" in said


def test_another_token_is_read_from_a_file_and_never_said(house: House, tmp_path: Path) -> None:
    kept = tmp_path / "token"
    kept.write_text("another-token-0123\n")
    with pytest.raises(CommandError) as caught:
        run("provision", "--token-file", str(kept))
    assert "another-token" not in str(caught.value)
    kept.write_text(TOKEN)
    assert run("provision", "--token-file", str(kept))[1] == 0


def test_a_password_is_read_from_a_file_where_a_user_is_named(
    house: House, settings: Any, tmp_path: Path
) -> None:
    user, password = USER
    house.itop.without_tokens = True
    own = {**house.settings(), "user": user, "token": password}
    settings.ADAPTERS = {**settings.ADAPTERS, "tickets": own}
    kept = tmp_path / "password"
    kept.write_text(f"{password}\n")
    assert run("provision", "--token-file", str(kept), "--user", user)[1] == 0
    with pytest.raises(CommandError, match="--user ada: give --token-file"):
        run("provision", "--user", "ada")


def test_an_itop_elsewhere_cannot_call_a_loopback_address(
    house: House, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ETHOPS_URL = "http://127.0.0.1:8000"
    assert "cannot call" not in run("provision")[0]
    monkeypatch.setattr(_adapters_itop, "site", lambda: "https://itop.example.org")
    assert "iTop at itop.example.org cannot call 127.0.0.1" in run("provision")[0]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"ETHOPS_ITOP_CALLBACK_SECRETS": ()}, "ETHOPS_ITOP_CALLBACK_SECRETS"),
        ({"ADAPTERS": {"tickets": {"adapter": "embedded", "url": "", "token": ""}}}, "ITOP_URL"),
    ],
)
def test_what_is_missing_is_named(
    house: House, settings: Any, more: dict[str, Any], says: str
) -> None:
    for name, value in more.items():
        setattr(settings, name, value)
    with pytest.raises(CommandError, match=says):
        run("provision")


def test_a_name_that_is_none_is_refused(house: House) -> None:
    with pytest.raises(CommandError, match="--name"):
        run("provision", "--name", "ours%' OR 1=1")


def test_all_of_it_is_taken_back(house: House) -> None:
    before = dict(house.itop.objects)
    run("provision", "--yes")
    assert "Nothing was done" in run("unprovision")[0]
    said, status = run("unprovision", "--yes")
    assert (status, "deleted   ethops callback" in said) == (0, True)
    assert house.itop.objects == before
    assert [entry["what"] for entry in noted()] == ["provision", "unprovision"]
    assert run("unprovision")[0] == "There is nothing of ours.\n"
