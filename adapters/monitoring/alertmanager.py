"""The webhook body of Alertmanager, version 4, for one alert of our own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

RECEIVER: Final = "embedded"
NEVER: Final = "0001-01-01T00:00:00Z"
"""What Alertmanager writes as the end of an alert that still fires."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as the webhook carries it; `ends_at` None means that it fires."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None


def labels(*, alertname: str, ci: str, probe: str, severity: str, host: str) -> dict[str, str]:
    """Return the labels of a probe's alert; an empty label does not exist."""
    named = {"alertname": alertname, "ci": ci, "probe": probe, "severity": severity, "host": host}
    return {name: value for name, value in named.items() if value}


def fingerprint(named: Mapping[str, str]) -> str:
    """Return 16 hex digits over all labels: Prometheus' own FNV-1a, so the two agree."""
    digest = 0xCBF29CE484222325
    parts = (part.encode() + b"\xff" for name in sorted(named) for part in (name, named[name]))
    for byte in b"".join(parts):
        digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


def body(alert: Alert) -> bytes:
    """Return the body as bytes; equal alerts give equal bytes."""
    status = "firing" if alert.ends_at is None else "resolved"
    alertname = alert.labels["alertname"]
    return json.dumps(
        {
            "receiver": RECEIVER,
            "status": status,
            "alerts": [
                {
                    "status": status,
                    "labels": dict(alert.labels),
                    "annotations": dict(alert.annotations),
                    "startsAt": _rfc3339(alert.starts_at),
                    "endsAt": NEVER if alert.ends_at is None else _rfc3339(alert.ends_at),
                    "generatorURL": "",
                    "fingerprint": fingerprint(alert.labels),
                }
            ],
            "groupLabels": {"alertname": alertname},
            "commonLabels": dict(alert.labels),
            "commonAnnotations": dict(alert.annotations),
            "externalURL": "",
            "version": "4",
            "groupKey": f'{{}}:{{alertname="{alertname}"}}',
            "truncatedAlerts": 0,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
