"""Who may do what at ethops itself, as facts: who is counted, and who is not."""

from datetime import UTC, datetime, timedelta

from ethops.desk import evidence_people as people
from ethops.desk.evidence_people import Person

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=45, seconds=1)


def person(name: str = "ada", *roles: str, **more) -> Person:
    usual = {
        "superuser": False, "has_factor": True, "comes_in": True, "seen_at": NOON,
        "recorded": frozenset(roles),
    }  # fmt: skip
    return Person(name=name, roles=frozenset(roles), **{**usual, **more})


def told(*persons: Person, **more: bool) -> dict[str, dict[str, object]]:
    return {one.name: dict(one.values) for one in people.of_people(persons, NOON, **more)}


def test_who_was_away_for_long_is_idle_and_who_comes_in_unseen_is_not_judged() -> None:
    found = told(
        person("ada", seen_at=NOON - timedelta(days=45)),
        person("bea", seen_at=LONG_AGO),
        person("robot", seen_at=LONG_AGO, comes_in=False),
    )
    assert found["idle"] == {"people": 2, "idle": 1}


def test_who_administers_or_approves_is_to_have_a_factor_and_others_need_none() -> None:
    found = told(
        person("ada", "approver"),
        person("bea", "admin", has_factor=False),
        person("root", superuser=True),
        person("cid", "operator", has_factor=False),
        person("dan", "auditor", has_factor=False),
    )
    assert found["factors"] == {"people": 3, "with_factor": 2}


def test_roles_are_on_record_as_they_are_or_they_are_not() -> None:
    found = told(
        person("ada", "operator"),
        person("bea", "operator", "approver", recorded=frozenset({"operator"})),
        person("cid", "operator", recorded=None),
        person("root", "admin", superuser=True, recorded=None),
        person("dan"),
    )
    assert found["roles"] == {"people": 3, "unrecorded": 2}


def test_whose_entry_may_be_pruned_is_not_judged_and_makes_nobody_good() -> None:
    by_hand = person("cid", "operator", recorded=None)
    assert told(by_hand, pruned=True)["roles"] == {"people": 0, "unrecorded": 0}
    found = told(by_hand, person("bea", "operator", recorded=frozenset()), pruned=True)
    assert found["roles"] == {"people": 1, "unrecorded": 1}, "bea's entry is there, and differs"


def test_what_was_read_is_told_by_a_digest() -> None:
    one, other = (
        [fact.raw_sha256 for fact in people.of_people([person(seen_at=at)], NOON)]
        for at in (NOON, LONG_AGO)
    )
    assert one[0] != other[0]


def test_contacts_are_there_or_only_named() -> None:
    assert people.of_contacts(["ops", "ada", "ops"], ["ops", "bo"], NOON).values == {
        "named": 2, "contacts": 1,
    }  # fmt: skip
