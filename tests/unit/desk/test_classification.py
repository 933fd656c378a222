import pytest

from ethops.desk.classification import cause_key, classify


@pytest.mark.parametrize(
    ("labels", "firing", "meaning"),
    [
        ({"alertname": "Watchdog", "severity": "critical"}, True, "informational"),
        ({"alertname": "DeadMansSwitch", "severity": "critical"}, False, "informational"),
        ({"alertname": "X", "severity": "info"}, True, "informational"),
        ({"alertname": "X", "severity": "INFO "}, True, "informational"),
        ({"alertname": "X", "severity": "warning"}, True, "warning"),
        ({"alertname": "X", "severity": "critical"}, True, "exception"),
        ({"alertname": "X", "severity": "what nobody knows"}, True, "exception"),
        ({"alertname": "X"}, True, "exception"),
        ({"alertname": "X", "severity": "none"}, False, "recovery"),
        ({"alertname": "X", "severity": "critical"}, False, "recovery"),
    ],
)
def test_an_event_is_classified_before_it_becomes_an_incident(labels, firing, meaning):
    assert classify(labels, firing=firing).meaning == meaning


def test_repeats_on_one_ci_have_one_cause():
    one = cause_key({"alertname": "Down", "pod": "a"}, "web-01")
    assert one == cause_key({"alertname": "Down", "pod": "b"}, "web-01")


def test_two_alerts_on_one_ci_have_two_causes():
    one = cause_key({"alertname": "Down"}, "web-01")
    assert one != cause_key({"alertname": "DiskFull"}, "web-01")


def test_unjoined_alerts_fold_by_their_group():
    one = cause_key({"alertname": "Down", "job": "node", "instance": "a"}, None)
    assert one == cause_key({"alertname": "Down", "job": "node", "instance": "b"}, None)
