"""Patterns of commands, as a card may declare them and as they read a vector."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tools import INTERPRETERS
from personas.commands import (
    BadArgvError,
    covers,
    elements,
    filled,
    option_faults,
    pattern_faults,
    read_argv,
)


@pytest.mark.parametrize("name", sorted(INTERPRETERS))
def test_no_pattern_begins_with_an_interpreter(name):
    assert list(pattern_faults(f"{name.lower()} run *"))


@pytest.mark.parametrize("name", ["python3.11", "bash5", "ruby3"])
def test_a_version_hides_no_interpreter(name):
    assert list(pattern_faults(f"{name} x *"))


@pytest.mark.parametrize(
    "pattern",
    ["kubectl *", "kubectl", "kubectl get * now", "kubectl  get", " kubectl get",
     "/bin/kubectl get",
     "kubectl get 'a b'", "kubectl get $(x)", "Kubectl get", "kubectl {UPPER}", ""],
)  # fmt: skip
def test_a_pattern_that_grants_too_much_or_is_none_has_a_fault(pattern):
    found = list(pattern_faults(pattern))
    assert found and all(what and mend for what, mend in found)


@pytest.mark.parametrize(
    "pattern", ["kubectl get *", "duckdb -safe {catalog} -c ?", "ray status", "helm status ? *"]
)
def test_an_ordinary_pattern_has_none(pattern):
    assert list(pattern_faults(pattern)) == []


@pytest.mark.parametrize("option", ["-n", "--all", "--size=*", "--output=json"])
def test_an_ordinary_option_has_no_fault(option):
    assert list(option_faults(option)) == []


@pytest.mark.parametrize("option", ["n", "--", "-", "-nx", "--size *", "--*", "--Size", "*"])
def test_what_is_no_option_has_a_fault(option):
    assert list(option_faults(option))


@given(st.text())
def test_whatever_is_said_is_a_plain_vector_or_refused(text):
    try:
        argv = read_argv(text)
    except BadArgvError:
        return
    assert argv and all(e and e.isascii() and e.isprintable() for e in argv)


@given(st.lists(st.text("ab-=", max_size=4), max_size=5))
def test_no_option_passes_that_is_not_granted(rest):
    argv = ("tool", "get", *rest)
    passed = covers(elements("tool get *"), (), argv, {})
    assert passed == all(each and not each.startswith("-") for each in rest)


@given(st.lists(st.text("ab-?*", max_size=3), min_size=1, max_size=4))
def test_the_signs_of_a_pattern_mean_nothing_in_a_vector(rest):
    assert covers(elements("tool get a"), (), ("tool", "get", *rest), {}) == (rest == ["a"])


def test_a_look_is_filled_by_its_ci_or_not_offered():
    look = ("duckdb", "{catalog}", "-c")
    assert filled(look, {"catalog": "/x.db"}) == ("duckdb", "/x.db", "-c")
    assert filled(look, {}) is None
    assert filled(look, {"catalog": "-x"}) is None
    assert filled(look, {"catalog": 7}) is None
