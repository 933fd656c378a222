"""What each fact says of safeguards; what it cannot tell it does not say."""

from datetime import UTC, datetime, timedelta

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
    ("passwords", {"brought": 9, "open": 0, "empty": 0}, [("4.7", "met")]),
    ("passwords", {"brought": 9, "open": 1, "empty": 0}, [("4.7", "unmet")]),
    ("passwords", {"brought": 0, "open": 0, "empty": 1}, [("4.7", "unmet")]),
    ("passwords", {"brought": 0, "open": 0, "empty": 0}, []),
    ("system", {"platform": "debian", "major": "12", "minor": "5"}, [("2.2", "met")]),
    ("system", {"platform": "debian", "major": "11", "minor": "0"}, [("2.2", "unmet")]),
    ("system", {"platform": "ubuntu", "major": "24", "minor": "4"}, [("2.2", "met")]),
    ("system", {"platform": "ubuntu", "major": "20", "minor": "04"}, [("2.2", "unmet")]),
    ("system", {"platform": "ubuntu", "major": "24", "minor": ""}, []),
    ("system", {"platform": "plan9", "major": "4", "minor": "0"}, []),
    ("units", {"running": ["backup", "updates"], "failed": []},
     [("7.3", "met"), ("11.2", "met")]),
    ("units", {"running": ["backup"], "failed": ["backup"]}, [("11.2", "unmet")]),
    ("units", {"running": ["forwarder"], "failed": ["forwarder"]}, [("8.2", "met")]),
    ("units", {"running": [], "failed": ["scanner", "signatures"]},
     [("10.1", "unmet"), ("10.2", "unmet")]),
    ("units", {"running": [], "failed": []}, []),
    ("resolvers", {"rows": 2, "filtering": 2}, [("9.2", "met")]),
    ("resolvers", {"rows": 2, "filtering": 1}, []),
    ("resolvers", {"rows": 0, "filtering": 0}, []),
    ("center", {"firewall": "Good", "autoupdate": "Poor", "antivirus": "Error", "ci_class": "pc"},
     [("4.5", "met"), ("7.3", "unmet")]),
    ("center", {"firewall": "Snoozed", "autoupdate": "", "antivirus": "Good", "ci_class": "vm"},
     [("4.4", "unmet"), ("10.1", "met")]),
    ("room", {"room": True}, [("8.3", "met")]),
    ("room", {"room": False}, [("8.3", "unmet")]),
    ("idle", {"people": 3, "idle": 0}, [("5.3", "met")]),
    ("idle", {"people": 3, "idle": 1}, [("5.3", "unmet")]),
    ("idle", {"people": 0, "idle": 0}, []),
    ("factors", {"people": 2, "with_factor": 2}, [("6.5", "met")]),
    ("factors", {"people": 2, "with_factor": 1}, [("6.5", "unmet")]),
    ("factors", {"people": 0, "with_factor": 0}, []),
    ("roles", {"people": 2, "unrecorded": 0}, [("6.1", "met")]),
    ("roles", {"people": 2, "unrecorded": 1}, [("6.1", "unmet")]),
    ("roles", {"people": 0, "unrecorded": 0}, []),
    ("contacts", {"named": 2, "contacts": 2}, [("17.2", "met")]),
    ("contacts", {"named": 2, "contacts": 1}, [("17.2", "unmet")]),
    ("contacts", {"named": 0, "contacts": 0}, []),
    ("providers", {"rows": 2, "owned": 2}, [("15.1", "met")]),
    ("providers", {"rows": 2, "owned": 1}, [("15.1", "unmet")]),
    ("providers", {"rows": 0, "owned": 0}, []),
    ("document", {"safeguard": "11.1", "current": 1, "overdue": 2}, [("11.1", "met")]),
    ("document", {"safeguard": "11.1", "current": 0, "overdue": 1}, [("11.1", "unmet")]),
    ("document", {"safeguard": "11.1", "current": 0, "overdue": 0}, []),
    # No document shows what a machine is to show, nor what the framework does not have.
    ("document", {"safeguard": "11.2", "current": 1, "overdue": 0}, []),
    ("document", {"safeguard": "13.1", "current": 1, "overdue": 0}, []),
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
        ("units", {"running": "updates", "failed": []}),
        ("units", {"running": [1], "failed": []}),
    ],
)
def test_a_fact_that_is_none_is_refused(name, values) -> None:
    with pytest.raises(FactError):
        said(name, **values)


@pytest.mark.parametrize("scope", ["a\nb", "x" * 201, "a\x00"])
def test_a_fact_is_about_a_ci_or_everything(scope) -> None:
    with pytest.raises(FactError, match="about no CI"):
        observe([Fact("host", scope, NOW, "cmdb", {"connection": "ssh"}, "d")])


def test_a_fact_that_tells_only_a_part_is_partial_at_most() -> None:
    strong = {name for name, kind in KINDS.items() if "strong" in kind.speaks.values()}
    assert strong == {"inventory.compared", "unlisted.followed"}


def test_a_system_is_mended_on_its_last_day_and_not_on_the_next() -> None:
    last = datetime(2028, 6, 30, 23, 59, tzinfo=UTC)
    for at, outcome in ((last, "met"), (last + timedelta(minutes=1), "unmet")):
        values = {"platform": "debian", "major": "12", "minor": "1"}
        (one,) = observe([Fact("system", "web-01", at, "osquery", values, "d")])
        assert one.outcome == outcome
        assert "Debian 12" in one.said
