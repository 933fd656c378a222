"""Which alerts a maintenance window silences at an Alertmanager."""

import re

import pytest

from adapters.cmdb.port import CI, Condition, JoinRule
from adapters.json_value import JSON
from ethops.muting import matchers

BY_REF = JoinRule("ci-label", (Condition("ci", "ref"),))
BY_ADDRESS = JoinRule("address", (Condition("instance", "address", attribute=True),))
BY_TWO = JoinRule("two", (Condition("host", "host"), Condition("unit", "unit", attribute=True)))
BY_CLASS = JoinRule("class", (Condition("class", "ci_class"),))


def ci(ref: str, host: str = "", ci_class: str = "web", **attributes: JSON) -> CI:
    return CI(
        ref, ref, ci_class, attributes, 2, 2, user_facing=False, lifeline=False, host=host,
        source="site", managed_by="",
    )  # fmt: skip


CIS = [ci("shop", "web-01", unit="shop"), ci("db", "db-01", address="10.0.0.1"), ci("x+y.z")]


def found(covered: set[str], *rules: JoinRule, dogs: tuple[str, ...] = (), cis: list[CI] = CIS):
    return matchers.of_cis(covered, cis, rules, dogs)


def said(silence: list[matchers.Matcher]) -> list[str]:
    return [
        f"{one['name']}{'=' if one['isEqual'] else '!='}{'~' if one['isRegex'] else ''}"
        f"{one['value']}"
        for one in silence
    ]


def test_one_ci_is_one_equality():
    assert [said(one) for one in found({"shop"}, BY_REF)] == [["ci=shop"]]


def test_several_cis_are_one_silence_that_means_nothing_else():
    (silence,) = found({"shop", "x+y.z"}, BY_REF)
    pattern = str(silence[0]["value"])
    assert silence[0]["isRegex"]
    meant = [name for name in ("shop", "x+y.z", "xxy.z", "db") if re.fullmatch(pattern, name)]
    assert meant == ["shop", "x+y.z"]


def test_a_rule_of_two_labels_asks_for_both():
    assert [said(one) for one in found({"shop"}, BY_TWO)] == [["host=web-01", "unit=shop"]]


def test_a_ci_without_what_a_rule_asks_for_is_not_meant_by_it():
    assert found({"shop"}, BY_ADDRESS) == []


def test_each_of_several_values_is_meant_as_the_rules_would_join_it():
    two = [ci("a", address=["10.0.0.1", "10.0.0.2"]), ci("b", address=7)]
    assert [said(one) for one in found({"a", "b"}, BY_ADDRESS, cis=two)] == [
        ["instance=~10\\.0\\.0\\.1|10\\.0\\.0\\.2|7"]
    ]


def test_a_value_that_another_has_among_several_is_left_alone():
    two = [ci("a", address="10.0.0.1"), ci("b", address=["10.0.0.1", "10.0.0.2"])]
    assert found({"a"}, BY_ADDRESS, cis=two) == []


def test_a_label_that_stands_for_others_too_is_left_alone():
    assert found({"shop"}, BY_CLASS) == []
    assert len(found({"shop", "db", "x+y.z"}, BY_CLASS)) == 1


def test_what_tells_that_the_monitor_lives_is_never_silenced():
    dogs = ("Watchdog",)
    group = matchers.of_group({"team": "web"}, dogs)
    every = [*found({"shop"}, BY_REF, dogs=dogs), *matchers.everything(dogs), *group]
    assert all("alertname!=Watchdog" in said(one) for one in every)


def test_a_group_is_all_of_its_labels():
    assert [said(one) for one in matchers.of_group({"team": "web", "env": "prod"}, ())] == [
        ["env=prod", "team=web"]
    ]


def test_everything_is_no_matcher_that_matches_nothing():
    (silence,) = matchers.everything(())
    assert silence[0]["isRegex"]
    assert not re.fullmatch(str(silence[0]["value"]), "")


@pytest.mark.parametrize("count", [1, 50, 51, 10_000])
def test_there_is_a_bound_on_silences(count):
    many = [ci(f"c{number}") for number in range(count)]
    silences = matchers.of_cis({one.ref for one in many}, many, [BY_REF], ())
    assert len(silences) == min(matchers.MOST_SILENCES, -(-count // matchers.ALTERNATIVES))
    assert all(len(str(one[0]["value"])) < 4000 for one in silences)
