"""`manage.py adapters preflight itop`: what will not work, where, and the mend; an exit code."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.doubles.itop import model
from tests.doubles.itop.console import Console
from tests.doubles.itop.house import House, housed

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    """A fake iTop of which little is set up."""
    with housed(Console()) as one:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": one.settings()}
        yield one


def run(*more: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("adapters", "preflight", "itop", *more, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(ended.code or 0)
    return out.getvalue(), 0


def test_warnings_are_no_failure_and_each_has_its_mend(house: House) -> None:
    said, status = run()
    assert status == 0
    assert "warning  service levels: Organization::" in said
    assert "Link a service and an SLA with it in iTop." in said
    assert "Without --datamodel nobody has looked at mandatory attributes" in said
    assert said.splitlines()[-1].startswith("0 errors, 1 warning")


def test_an_error_of_the_model_is_one_and_stands_first(house: House, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    own = model.attribute("cost_center", needed=True)
    path.write_text(model.design(model.of_class("Incident", "Ticket", own)), encoding="utf-8")
    said, status = run("--datamodel", str(path))
    assert status == 1
    assert said.startswith("error    mandatory: Incident.cost_center\n")
    read = json.loads(run("--datamodel", str(path), "--json")[0])
    assert (read["well"], read["findings"][0]["where"]) == (False, "Incident.cost_center")


def test_a_file_that_is_none_is_refused(house: House, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text('<!DOCTYPE x [<!ENTITY a "b">]><itop_design>&a;</itop_design>')
    with pytest.raises(CommandError, match="document type"):
        run("--datamodel", str(path))


def test_an_itop_that_is_away_is_said(house: House, settings: Any) -> None:
    tickets = house.settings(url="http://127.0.0.1:9")
    settings.ADAPTERS = {**settings.ADAPTERS, "tickets": tickets}
    with pytest.raises(CommandError, match="No connection"):
        run()
