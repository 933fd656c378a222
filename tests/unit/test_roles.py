"""The table of roles: who only looks, and how long one may be away."""

import pytest

from ethops.logins.roles import ROLES, idle_seconds, only_looks


@pytest.mark.parametrize(
    ("groups", "looks"),
    [
        ([], False),
        (["auditor"], True),
        (["auditor", "requester"], True),
        (["auditor", "leads"], True),
        (["auditor", "operator"], False),
        (["auditor", "approver"], False),
        (["auditor", "admin"], False),
        (["requester"], False),
        (["leads"], False),
    ],
)
def test_only_who_has_no_other_role_of_the_desk_just_looks(
    groups: list[str], *, looks: bool
) -> None:
    assert only_looks(groups) is looks


def test_the_shortest_time_of_several_roles_counts() -> None:
    held = idle_seconds(["operator", "approver"], superuser=False, staff=True)
    assert held == ROLES["approver"].idle_seconds


def test_a_superuser_may_be_away_as_long_as_an_admin() -> None:
    assert idle_seconds([], superuser=True, staff=True) == ROLES["admin"].idle_seconds


def test_who_looks_has_rights_to_look_only() -> None:
    assert [one for one in ROLES["auditor"].rights if ".view_" not in one] == []


def test_who_looks_sees_no_token_with_which_he_could_act() -> None:
    assert [one for one in ROLES["auditor"].rights if one.startswith("authtoken.")] == []
