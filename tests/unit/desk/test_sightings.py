"""What observers and monitoring say, as sightings."""

from datetime import UTC, datetime

import pytest

from adapters.telemetry.port import DeadLetter, Observer
from ethops.desk import sightings

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def letter(key):
    return DeadLetter("x", NOON, key, "no observer of pushed lines is declared", 10)


def test_a_dead_letter_names_the_host_that_publishes():
    (one,) = sightings.of_letters([letter("telemetry.web-09.lines")])
    assert (one.source, one.thing.key, one.at) == ("bus", "host:web-09", NOON)
    assert one.thing.words["attributes.hostname"] == "web-09"


@pytest.mark.parametrize(
    "key", ["telemetry.lines", "other.web-09.lines", "telemetry.a b.lines", ""]
)
def test_a_letter_under_another_key_names_nobody(key):
    assert list(sightings.of_letters([letter(key)])) == []


def test_an_observed_host_is_seen_when_its_log_was_written_last():
    observer = Observer("web-01", "file", 3600, 30, NOON, NOON, NOON, None, None, None, "")
    (one,) = sightings.of_observers([observer])
    assert (one.source, one.thing.name, one.at) == ("observer", "web-01", NOON)


@pytest.mark.parametrize(
    ("labels", "name", "attribute"),
    [
        ({"instance": "Web-09.example:9100"}, "web-09.example", "hostname"),
        ({"instance": "10.0.0.5:9100"}, "10.0.0.5", "address"),
        ({"host": "web-09", "instance": "other"}, "web-09", "hostname"),
        ({"host": "web-09:9100"}, "web-09", "hostname"),
        ({"host": "2001:db8::1"}, "2001:db8::1", "address"),
        ({"node": "n1"}, "n1", "hostname"),
    ],
    ids=["an instance", "an address", "a host first", "a host's port", "a long address", "a node"],
)
def test_an_alert_names_a_host(labels, name, attribute):
    (one,) = sightings.of_alert("prom", {"alertname": "Down", **labels}, NOON)
    assert (one.source, one.thing.name) == ("alerts:prom", name)
    assert one.thing.attributes == {attribute: name}


def test_an_alert_without_a_host_is_no_sighting():
    assert list(sightings.of_alert("prom", {"alertname": "Watchdog"}, NOON)) == []


def test_a_target_names_a_host_and_its_server_without_a_login():
    labels = {"instance": "db-09:9100", "job": "node"}
    (one,) = sightings.of_target("http://ada:secret@prom.example:9090/x", labels, NOON)
    assert (one.source, one.thing.name) == ("prometheus:prom.example:9090", "db-09")
    assert one.said == "target db-09:9100 of the job node"
