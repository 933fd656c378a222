"""Whether the rows that the gate reads are those of the files."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import point_django

ADDED = """INSERT INTO personas_grant (card_id, verb, entry, ci_class)
    VALUES ('triage', 'playbook.run', 'restart_service', 'database')"""


def check():
    out = StringIO()
    call_command("personas", "check", stdout=out)
    return out.getvalue()


@pytest.fixture
def loaded(clean_db, servers, database_name):
    point_django(servers, database_name, "ethops_owner")
    call_command("site", "load", verbosity=0)
    point_django(servers, database_name, "ethops_app")


def test_what_was_loaded_agrees(loaded):
    assert "The rows that the gate reads are those of the files." in check()


def test_before_anything_is_loaded_there_is_nothing_to_compare(clean_db):
    assert "Nothing is loaded yet" in check()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE personas_card SET digest = 'x' WHERE name = 'triage'", "card triage"),
        ("UPDATE personas_catalogueentry SET tree_hash = 'x' WHERE name = 'clean_directory'",
         "entry clean_directory"),
        ("DELETE FROM personas_grant WHERE verb = 'ticket.assign'", "grant triage ticket.assign"),
        (ADDED,
         "grant triage playbook.run restart_service database"),
    ],
    ids=["card", "entry", "lost grant", "added grant"],
)  # fmt: skip
def test_a_row_that_differs_is_named(loaded, role, statement, named):
    role("owner").execute(statement)
    with pytest.raises(CommandError, match=f"other rows than what lies here: {named}"):
        check()
