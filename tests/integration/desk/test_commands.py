"""What people type: cards, autonomy, senders, the stop; each does what it says, on record."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ethops.desk import senders
from personas.autonomy.models import Change
from tests.conftest import point_django


def say(*words, **options):
    out = StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def facts():
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind FROM audit_pending ORDER BY n")
        return [kind for (kind,) in cursor.fetchall()]


@pytest.fixture
def loaded(clean_db, servers, database_name):
    """Cards, catalogue and site, loaded as the owner loads them."""
    point_django(servers, database_name, "ethops_owner")
    call_command("site", "load", verbosity=0)
    point_django(servers, database_name, "ethops_app")


def test_loading_twice_changes_nothing_the_second_time(
    clean_db, servers, database_name, settings, tmp_path
):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text("environments: [{name: lab, classes: [robot]}]")
    point_django(servers, database_name, "ethops_owner")
    try:
        assert "environment lab" in json.loads(say("site", "load", "--json"))["changed"]
        assert json.loads(say("site", "load", "--json")) == {"changed": []}
    finally:
        point_django(servers, database_name, "ethops_app")


def test_the_app_may_not_load(clean_db):
    with pytest.raises(Exception, match="permission denied"):
        call_command("site", "load", verbosity=0)


def test_what_was_loaded_is_on_record(loaded):
    # Cards that were never there before are approved by the load itself.
    assert set(facts()) == {"card.approved", "site.evaluated", "site.loaded"}
    assert facts()[-1] == "site.loaded"


def test_a_promotion_is_on_record(loaded):
    say("personas", "autonomy", "triage", "restart_service", "service", "propose", "--why", "x")
    assert facts()[-1] == "person.set_autonomy"


def test_a_level_that_the_figures_do_not_carry_is_refused(loaded):
    with pytest.raises(CommandError, match="right 0 of 0 times"):
        say("personas", "autonomy", "triage", "restart_service", "service", "veto", "--why", "x")


def test_against_the_figures_it_is_set_and_on_record(loaded):
    said = ("triage", "restart_service", "service", "act", "--why", "x", "--against-the-figures")
    say("personas", "autonomy", *said)
    assert Change.objects.get().against_the_figures


def test_cards_are_shown_as_a_program_reads_them(clean_db):
    names = [card["name"] for card in json.loads(say("personas", "show", "--json"))]
    assert {"incident_responder", "triage", "cluster_agent"} < set(names)


def test_our_own_declarations_are_well(clean_db):
    assert "agree with each other and with the code" in say("personas", "check")


def test_a_sender_gets_a_token_that_works(clean_db):
    token = say("sender", "add", "am").splitlines()[-1]
    assert senders.authenticate(token) == "am"


def test_a_sender_that_is_off_is_refused(clean_db):
    token = say("sender", "add", "am").splitlines()[-1]
    say("sender", "off", "am")
    assert senders.authenticate(token) is None
