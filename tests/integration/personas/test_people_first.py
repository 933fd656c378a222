"""What keeps an entry to proposals: its review is over, or somebody is on the host."""

import json

import pytest

from tests.integration.personas.conftest import World, world

__all__ = ["world"]

ASKS = {"first": "owner", "of": ["jobs"]}


def declare(world: World, **document: object) -> None:
    world.as_role("owner").execute(
        "UPDATE personas_catalogueentry SET document = %s", [json.dumps(document)]
    )


def host(world: World, seen: str = "now()", found: tuple[str, ...] = ("process train.py",)) -> None:
    """Let web-01 run on a host on which this was seen."""
    owner = world.as_role("owner")
    owner.execute(
        "INSERT INTO cmdb_host (name, connection, source) VALUES ('node-1', 'local', 'test')"
    )
    owner.execute("UPDATE cmdb_ci SET inventory_host_id = 'node-1' WHERE ref = 'web-01'")
    owner.execute(
        "INSERT INTO personas_presence (host, found, asked, action, seen_at)"
        f" VALUES ('node-1', %s, 'lin', gen_random_uuid(), {seen})",
        [json.dumps(found)],
    )


def verdict(world: World) -> str:
    world.run("web-01")
    return str(world.propose(world.step(), "playbook.run", "restart", "web-01")["verdict"])


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2020-02-29", "proposed"),
        ("yesterday's", "proposed"),
        ("2099-12-31", "authorised"),
    ],
)
def test_a_review_that_is_over_lets_it_be_proposed_at_most(world, day, expected):
    declare(world, review_by=day)
    assert verdict(world) == expected


def test_the_day_of_the_review_itself_still_counts(world):
    # Of a minute later: where the day ends in it, it is the next one that must still count.
    today = world.value(
        "owner", "SELECT ((now() + interval '1 minute') AT TIME ZONE 'UTC')::date::text"
    )
    declare(world, review_by=today)
    assert verdict(world) == "authorised"


def test_a_card_that_may_only_observe_does_not_come_to_propose_by_it(world):
    declare(world, review_by="2020-01-01")
    world.as_role("owner").execute("DELETE FROM personas_autonomy")
    assert verdict(world) == "observed"


@pytest.mark.parametrize(
    ("seen", "found", "asks", "expected"),
    [
        ("now()", ("process train.py",), ASKS, "proposed"),
        ("now()", ("gpu fold of person:lin",), ASKS, "proposed"),
        ("now() - interval '31 minutes'", ("process train.py",), ASKS, "authorised"),
        ("now()", ("person lin",), ASKS, "authorised"),
        ("now()", ("person lin",), {"first": "owner", "of": ["people"]}, "proposed"),
        ("now()", ("process train.py",), {"nobody": "it only reads"}, "authorised"),
    ],
    ids=["job", "gpu", "long ago", "of no concern", "person", "asks nobody"],
)
def test_who_was_seen_on_the_host_counts_where_the_entry_asks_for_such(
    world, seen, found, asks, expected
):
    declare(world, asks=asks)
    host(world, seen, found)
    assert verdict(world) == expected


def test_why_is_said_in_words(world):
    declare(world, asks=ASKS)
    host(world)
    assert world.value("app", "SELECT gate.kept_to_proposals('restart', 'web-01')") == (
        "on node-1 there was lately process train.py: lin is asked first"
    )


@pytest.mark.parametrize("who", ["app", "agent"])
def test_only_the_executor_says_who_is_there(world, who):
    with pytest.raises(Exception, match="permission denied"):
        world.value(who, "SELECT gate.people_first(gen_random_uuid(), 1, '[]', 'x')")


def test_nobody_else_voids_a_permit_with_it(world):
    """A fence that has moved changes nothing."""
    world.authorised()
    world.record()
    claim = world.claim()
    said = world.value(
        "executor",
        "SELECT gate.people_first(%s, %s, '[\"person lin\"]', '')",
        claim["action_id"],
        claim["fence"] - 1,
    )
    assert (said, world.work(claim["action_id"])["state"]) == ("late", "leased")
