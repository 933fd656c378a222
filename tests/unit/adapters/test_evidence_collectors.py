"""What each fact says of safeguards; what it cannot tell it does not say."""

from datetime import UTC, datetime

import pytest

from adapters.compliance.canonical import digest
from adapters.compliance.collectors import COLLECTORS, observe
from adapters.compliance.errors import FactError
from adapters.compliance.kinds import KINDS
from adapters.compliance.port import Fact

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def said(name: str, **values) -> list[tuple[str, str]]:
    fact = Fact(name, "web-01", NOW, "the test", values, digest(values))
    return [(one.safeguard, one.outcome) for one in observe([fact])]


SAYS = [
    ("inventory", {"cis": 3, "hosts": 2}, [("1.1", "met")]),
    ("inventory", {"cis": 0, "hosts": 0}, [("1.1", "unmet")]),
    ("unlisted", {"waiting": 0, "oldest_days": 0, "watchers": 2},
     [("1.1", "met"), ("1.2", "met")]),
    ("unlisted", {"waiting": 1, "oldest_days": 7, "watchers": 2},
     [("1.1", "unmet"), ("1.2", "met")]),
    ("unlisted", {"waiting": 1, "oldest_days": 8, "watchers": 2},
     [("1.1", "unmet"), ("1.2", "unmet")]),
    ("unlisted", {"waiting": 0, "oldest_days": 0, "watchers": 0}, []),
    ("host", {"connection": "ssh"}, [("4.6", "met")]),
    ("host", {"connection": "local"}, [("4.6", "met")]),
    ("host", {"connection": "telnet"}, [("4.6", "unmet")]),
    ("observer", {"heard": True, "lost": False}, [("8.2", "met")]),
    ("observer", {"heard": True, "lost": True}, [("8.2", "unmet")]),
    ("observer", {"heard": False, "lost": False}, [("8.2", "unmet")]),
    ("packages", {"rows": 612}, [("2.1", "met")]),
    ("packages", {"rows": 0}, []),
    ("accounts", {"rows": 31}, [("5.1", "met")]),
    ("accounts", {"rows": 0}, []),
    ("disks", {"rows": 3, "encrypted": 1, "ci_class": "Laptop"}, [("3.6", "met")]),
    ("disks", {"rows": 3, "encrypted": 0, "ci_class": "laptop"}, [("3.6", "unmet")]),
    ("disks", {"rows": 3, "encrypted": 0, "ci_class": "server"}, []),
    ("filter", {"closed": True, "ci_class": "vm"}, [("4.4", "met")]),
    ("filter", {"closed": False, "ci_class": "vm"}, [("4.4", "unmet")]),
    ("filter", {"closed": True, "ci_class": "workstation"}, [("4.5", "met")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "expected"), SAYS)
def test_a_fact_says(name, values, expected) -> None:
    assert said(name, **values) == expected


def test_every_collector_is_tried_both_ways_or_says_nothing_against() -> None:
    tried = {name for name, _, _ in SAYS}
    assert tried == set(COLLECTORS)


def test_an_observation_lasts_as_long_as_its_kind() -> None:
    (one,) = observe([Fact("host", "web-01", NOW, "cmdb", {"connection": "ssh"}, "d")])
    assert (one.collected_at, one.expires_at - NOW) == (NOW, KINDS[one.kind].lasts)
    assert (one.scope, one.source, one.raw_sha256) == ("web-01", "cmdb", "d")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("weather", {}),
        ("inventory", {"cis": 3}),
        ("inventory", {"cis": True, "hosts": 2}),
        ("inventory", {"cis": -1, "hosts": 2}),
        ("host", {"connection": 4}),
        ("observer", {"heard": 1, "lost": False}),
        ("filter", {"closed": True}),
    ],
)
def test_a_fact_that_is_none_is_refused(name, values) -> None:
    with pytest.raises(FactError):
        said(name, **values)


@pytest.mark.parametrize("scope", ["a\nb", "x" * 201, "a\x00"])
def test_a_fact_is_about_a_ci_or_everything(scope) -> None:
    with pytest.raises(FactError, match="about no CI"):
        observe([Fact("host", scope, NOW, "cmdb", {"connection": "ssh"}, "d")])
