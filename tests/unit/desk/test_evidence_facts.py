"""What ethops holds, as facts: what is counted, and what says nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.cmdb.port import CI, Host
from adapters.knowledge.port import Document
from adapters.monitoring.port import Probe
from adapters.telemetry.port import Observer
from ethops.desk import evidence_facts as facts

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ci(ref: str, host: str = "", ci_class: str = "vm", **attributes) -> CI:
    return CI(ref, ref, ci_class, attributes, 2, 2, user_facing=False, lifeline=False, host=host,
              source="site", managed_by="declaration")  # fmt: skip


def observer(**said) -> Observer:
    usual = {
        "host": "web-01", "source": "pushed", "silent_after_s": 3_600, "skew_s": 30,
        "began_at": NOON - 9 * HOUR, "read_at": NOON - timedelta(minutes=5), "heard_until": None,
        "gap_from": None, "gap_until": None, "clock_off_at": None, "fault": "",
    }  # fmt: skip
    return Observer(**{**usual, **said})


def heard(**said) -> dict[str, object] | None:
    fact = facts.of_observer("web-01", observer(**said), NOON)
    return dict(fact.values) if fact else None


def test_the_inventory_is_counted() -> None:
    one = facts.of_inventory([ci("a", "h"), ci("b", "h"), ci("c")], NOON)
    assert (one.name, one.scope, one.values) == ("inventory", "", {"cis": 3, "hosts": 1})
    assert one.raw_sha256 != facts.of_inventory([ci("a", "h")], NOON).raw_sha256


def test_what_is_no_ci_waits_since_the_first_was_seen() -> None:
    waiting = {"host:a": NOON - timedelta(days=9), "host:b": NOON}
    one = facts.of_unlisted(waiting, left_out=3, watchers=["bus"], at=NOON)
    assert one.values == {"waiting": 5, "oldest_days": 9, "watchers": 1}
    none = facts.of_unlisted({}, left_out=0, watchers=[], at=NOON)
    assert none.values == {"waiting": 0, "oldest_days": 0, "watchers": 0}


def test_a_host_is_reached_as_it_is_declared() -> None:
    host = Host("web-01", "ssh", "10.0.0.5", "deploy", 22, "")
    assert facts.of_host("web-01", host, NOON).values == {"connection": "ssh"}


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ({}, {"heard": True, "lost": False}),
        ({"read_at": NOON - 2 * HOUR}, {"heard": False, "lost": False}),
        ({"fault": "no such file"}, {"heard": False, "lost": False}),
        ({"gap_until": NOON - HOUR}, {"heard": True, "lost": True}),
        ({"gap_until": NOON - 30 * HOUR}, {"heard": True, "lost": False}),
        ({"read_at": None}, None),
    ],
)
def test_a_host_is_heard_or_not(said, values) -> None:
    assert heard(**said) == values


def test_a_provider_is_known_by_its_class_and_who_answers_by_an_attribute() -> None:
    cis = [ci("a", ci_class="Provider", owner="ada"), ci("b", ci_class="saas", owner=""), ci("c")]
    assert facts.of_providers(cis, NOON).values == {"rows": 2, "owned": 1}


def probe(path: str = "/var/log", symptom: str = "ok", ago_s: int = 5, kind: str = "filesystem"):
    at = NOON - timedelta(seconds=ago_s)
    return Probe("p", "web-01", kind, {"path": path, "max_percent": 90}, 10.0, 3, 3, "Full",  # type: ignore[arg-type]
                 "warning", "", "quiet", symptom, None, at)  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize(
    ("probes", "room"),
    [
        ([probe()], True),
        ([probe("/var/log/journal", "over_threshold"), probe()], False),
        ([probe("/"), probe("/var/logs")], None),
        ([probe(symptom="no_answer")], None),
        ([probe(ago_s=41)], None),
        ([probe(kind="directory")], None),
    ],
)
def test_logs_have_room_as_their_own_file_system_says(probes, room) -> None:
    found = [one.values for one in facts.of_probes("web-01", probes, NOON)]
    assert found == ([] if room is None else [{"room": room}])


def document(*cis: str, due: date | None = date(2026, 11, 28), **more) -> Document:
    usual = {"kind": "policy", "tags": ("status:current", *(f"cis:{one}" for one in cis))}
    said = {"ref": "d", "title": "", "path": "", "commit": "", "blob": "b", "text": "", "owner": ""}
    return Document(**{**said, **usual, "review_due": due, **more})


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ([document("11.1", "17.1")], {"11.1": (1, 0), "17.1": (1, 0)}),
        ([document("11.1", due=date(2026, 11, 27)), document("11.1")], {"11.1": (1, 1)}),
        ([document("11.1", due=None)], {}),
        ([document("11.1", kind="postmortem")], {}),
        ([document("11.1", tags=("status:draft", "cis:11.1"))], {}),
    ],
    ids=["two of one", "overdue", "undated", "no such type", "a draft"],
)
def test_documents_speak_while_somebody_means_to_look_again(documents, told) -> None:
    found = {
        one.values["safeguard"]: (one.values["current"], one.values["overdue"])
        for one in facts.of_documents(documents, NOON)
    }
    assert found == told
