"""From an alert to its CI and host."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.cmdb.joins import join
from adapters.cmdb.port import CI, Condition, JoinRule


def ci(ref: str, *, host: str = "h1", retired: bool = False, **attributes: str) -> CI:
    return CI(
        ref=ref,
        name=ref.title(),
        ci_class="service",
        attributes=attributes,
        impact=2,
        urgency=2,
        user_facing=False,
        lifeline=False,
        host=host,
        source="test",
        managed_by="test",
        retired=retired,
    )


BY_REF = JoinRule("by-ref", (Condition("ci", "ref"),))
BY_ADDRESS = JoinRule(
    "by-address", (Condition("instance", "address", attribute=True), Condition("host", "host"))
)


def test_one_rule_that_names_one_ci_joins_it() -> None:
    found = join({"ci": "shop"}, [ci("shop"), ci("bank")], [BY_REF])
    assert (found.result, found.ci_ref, found.host) == ("joined", "shop", "h1")


def test_conditions_of_one_rule_must_all_hold() -> None:
    cis = [ci("shop", address="a:1"), ci("bank", address="a:1", host="h2")]
    found = join({"instance": "a:1", "host": "h2"}, cis, [BY_ADDRESS])
    assert found.ci_ref == "bank"


def test_a_ci_without_a_host_is_joined_without_one() -> None:
    assert join({"ci": "shop"}, [ci("shop", host="")], [BY_REF]).host is None


def test_two_cis_by_one_rule_are_ambiguous() -> None:
    rule = JoinRule("by-class", (Condition("job", "ci_class"),))
    found = join({"job": "service"}, [ci("shop"), ci("bank")], [rule])
    assert (found.result, found.ci_ref) == ("ambiguous", None)


def test_two_rules_that_name_different_cis_are_ambiguous() -> None:
    cis = [ci("shop"), ci("bank", address="a:1")]
    labels = {"ci": "shop", "instance": "a:1", "host": "h1"}
    assert join(labels, cis, [BY_REF, BY_ADDRESS]).result == "ambiguous"


def test_two_rules_that_agree_join() -> None:
    labels = {"ci": "shop", "instance": "a:1", "host": "h1"}
    assert join(labels, [ci("shop", address="a:1")], [BY_REF, BY_ADDRESS]).result == "joined"


def test_a_missing_label_is_said() -> None:
    found = join({}, [ci("shop")], [BY_REF])
    assert found.report[0] == "Rule by-ref did not apply: the alert has no label ci."


def test_an_empty_label_matches_nothing() -> None:
    found = join({"host": ""}, [ci("shop", host="")], [JoinRule("h", (Condition("host", "host"),))])
    assert found.result == "none"


def test_a_retired_ci_is_not_meant() -> None:
    assert join({"ci": "shop"}, [ci("shop", retired=True)], [BY_REF]).result == "none"


words = st.sampled_from(["shop", "bank", "a:1", "b:2", "h1", "h2", ""])
cis_drawn = st.lists(
    st.builds(lambda ref, host, address: ci(ref, host=host, address=address), words, words, words),
    unique_by=lambda drawn: drawn.ref,
    max_size=5,
)
conditions = st.one_of(
    st.builds(
        Condition, st.sampled_from(["ci", "instance", "host"]), st.sampled_from(["ref", "host"])
    ),
    st.builds(
        Condition, st.sampled_from(["ci", "instance"]), st.just("address"), st.just(value=True)
    ),
)
rules_drawn = st.lists(
    st.builds(JoinRule, words, st.lists(conditions, min_size=1, max_size=3).map(tuple)), max_size=4
)
labels_drawn = st.dictionaries(st.sampled_from(["ci", "instance", "host"]), words)


@given(labels_drawn, cis_drawn, rules_drawn)
def test_a_join_names_a_live_ci_or_nothing(
    labels: dict[str, str], cis: list[CI], rules: list[JoinRule]
) -> None:
    found = join(labels, cis, rules)
    assert (found.ci_ref in {one.ref for one in cis}) is (found.result == "joined")
    assert len(found.report) == len(rules) + 1


@given(labels_drawn, cis_drawn, rules_drawn, st.randoms())
def test_neither_order_decides(
    labels: dict[str, str], cis: list[CI], rules: list[JoinRule], random: object
) -> None:
    found = join(labels, cis, rules)
    again = join(labels, cis[::-1], rules[::-1])
    assert (found.result, found.ci_ref, found.host) == (again.result, again.ci_ref, again.host)


@given(labels_drawn, cis_drawn, rules_drawn)
def test_one_more_rule_never_turns_ambiguous_into_joined(
    labels: dict[str, str], cis: list[CI], rules: list[JoinRule]
) -> None:
    if join(labels, cis, rules).result == "ambiguous":
        assert join(labels, cis, [*rules, BY_REF]).result == "ambiguous"
