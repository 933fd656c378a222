"""Where what stands around a CI is overdue, a change of it is a person's."""

import pytest

from tests.integration.personas.guardrails.conftest import Commands


@pytest.fixture
def related(world):
    """web-01 stands on db-9, and shop-7 on web-01; what is said of it is a minute old."""
    world.as_role("owner").execute(
        "INSERT INTO cmdb_relation (dependent, support, kind, source, fresh_until) VALUES"
        " ('web-01', 'db-9', 'depends_on', 'site', NULL),"
        " ('shop-7', 'web-01', 'depends_on', 'itop', now() + interval '1 hour'),"
        " ('far-1', 'far-2', 'depends_on', 'itop', now() - interval '1 day')"
    )
    return world


def ask(world):
    world.run("web-01")
    said = world.propose(world.step(), "playbook.run", "restart", "web-01")
    return said["verdict"], said["guard"], said["reason"]


def age(world, dependent, ago="1 minute"):
    world.as_role("owner").execute(
        "UPDATE cmdb_relation SET fresh_until = now() - %s::interval WHERE dependent = %s",
        [ago, dependent],
    )


def test_what_is_fresh_or_far_away_holds_nobody_back(related):
    assert ask(related)[0] == "authorised"


@pytest.mark.parametrize("dependent", ["web-01", "shop-7"])
def test_what_is_overdue_either_way_is_a_persons(related, dependent):
    age(related, dependent)
    assert ask(related)[:2] == ("denied", "relations")


def test_it_says_which_relation_whose_and_since_when(related):
    age(related, "web-01")
    age(related, "shop-7", "3 days")
    reason = ask(related)[2]
    assert reason.startswith(
        "what a change of web-01 touches is not known: that shop-7 stands on web-01, as itop says,"
        " is overdue since 20"
    )


def test_what_is_gone_is_not_overdue(related):
    age(related, "shop-7")
    related.as_role("owner").execute("UPDATE cmdb_relation SET gone = true WHERE source = 'itop'")
    assert ask(related)[0] == "authorised"


def test_a_mirror_is_as_fresh_as_its_class_was_looked_at(related):
    owner = related.as_role("owner")
    owner.execute(
        "INSERT INTO cmdb_synced (source, their_class, state, checked_at) VALUES"
        " ('itop', 'lnkX', 'synced', now() - interval '2 hours')"
    )
    owner.execute("UPDATE cmdb_relation SET by_class = 'lnkX' WHERE dependent = 'shop-7'")
    assert ask(related)[:2] == ("denied", "relations")
    owner.execute("UPDATE cmdb_synced SET checked_at = now()")
    assert ask(related)[0] == "authorised"


def test_who_may_only_propose_may_propose(related):
    age(related, "web-01")
    related.as_role("owner").execute("UPDATE personas_autonomy SET level = 'propose'")
    assert ask(related)[0] == "proposed"


def test_whoever_only_looks_may_look(commands: Commands):
    commands.world.as_role("owner").execute(
        "INSERT INTO cmdb_relation (dependent, support, kind, source, fresh_until) VALUES"
        " ('box-01', 'room-1', 'runs_on', 'itop', now() - interval '1 hour')"
    )
    assert commands.ask("tool", "get", "x")["verdict"] == "authorised"
    said = commands.ask("tool", "set", "x", "blue", scope="change")
    assert (said["verdict"], said["guard"]) == ("denied", "relations")


def test_telling_people_needs_no_relation(related):
    age(related, "web-01")
    related.run("web-01")
    said = related.propose(related.step(), "ticket.comment", text="It is down.")
    assert said["guard"] != "relations"
