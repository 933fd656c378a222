"""Reads Alertmanager's webhook body, version 4. Pure.

Keys that newer versions add are ignored; the top-level status is never read, since it can say
`resolved` of a group that burns (Alertmanager computes it after cutting the list).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.text import plain
from ethops.desk.errors import RejectedError

DEEPEST = 20
MOST_ALERTS = 5_000
LONGEST_LABEL = 1_000
LONGEST_ANNOTATION = 4_000
STARTS_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
TOKEN = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
_STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
FINGERPRINT = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; an episode is (fingerprint, starts_at as sent)."""

    fingerprint: str
    starts_at: str
    firing: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Body:
    """The alerts of one delivery, and how many the sender left out."""

    alerts: tuple[Alert, ...]
    truncated: int


def parse(raw: bytes, content_type: str = "application/json") -> Body:
    """Return the alerts of a body; RejectedError says what is wrong with it."""
    said = _json(raw, content_type)
    if not isinstance(said, dict):
        raise _bad("not_an_object", "the body is not a JSON object")
    if said.get("version") != "4":
        raise _bad("version", f"version is {str(said.get('version'))[:40]!r}, not '4'", 422)
    alerts = said.get("alerts")
    if not isinstance(alerts, list) or len(alerts) > MOST_ALERTS:
        raise _bad("alerts", f"alerts is not a list of at most {MOST_ALERTS}", 422)
    truncated = said.get("truncatedAlerts", 0)
    return Body(
        alerts=tuple(_alert(alert, number) for number, alert in enumerate(alerts)),
        truncated=truncated if isinstance(truncated, int) and 0 < truncated < 10**6 else 0,
    )


def _json(raw: bytes, content_type: str) -> Any:
    media, _, parameters = content_type.partition(";")
    if media.strip().lower() not in {"application/json", ""}:
        raise _bad("content_type", f"content type {media.strip()[:80]!r} is not JSON", 415)
    charset = re.search(r"charset=\"?([^\s;\"]+)", parameters, re.IGNORECASE)
    if charset and charset[1].lower() not in {"utf-8", "utf8"}:
        raise _bad("charset", f"charset {charset[1][:40]!r} is not UTF-8", 415)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise _bad("charset", f"the body is not UTF-8 at byte {fault.start}") from fault
    if "\0" in text:
        raise _bad("nul", "the body holds a NUL byte")
    # Refused before parsing, because the parser itself recurses.
    if _depth(raw) > DEEPEST:
        raise _bad("depth", f"the body nests deeper than {DEEPEST}")
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=_whole)
    except RejectedError:
        raise
    except (ValueError, RecursionError) as fault:
        raise _bad("not_json", f"the body is not JSON: {fault}"[:300]) from fault


def _depth(raw: bytes) -> int:
    """Return how deep brackets nest outside strings; stops once it is too deep."""
    deep, in_string = 0, False
    # One pass over escapes, quotes and brackets: linear, whatever is left open.
    for token in TOKEN.finditer(raw):
        if token[0] == b'"':
            in_string = not in_string
        elif not in_string and token[0] in _STEPS:
            deep += _STEPS[token[0]]
            if deep > DEEPEST:
                return deep
    return 0


def _whole(text: str) -> int:
    if len(text) > 18:
        raise _bad("integer", f"a whole number has {len(text)} digits")
    return int(text)


def _no_constant(name: str) -> None:
    raise _bad("not_json", f"{name} is not JSON")


def _alert(said: Any, number: int) -> Alert:
    where = f"alerts[{number}]"
    if not isinstance(said, dict):
        raise _bad("alert", f"{where} is not an object", 422)
    status = said.get("status")
    if status not in ("firing", "resolved"):
        raise _bad("alert", f"{where}.status is neither firing nor resolved", 422)
    starts_at = said.get("startsAt")
    if not isinstance(starts_at, str) or not STARTS_AT.fullmatch(starts_at):
        raise _bad("alert", f"{where}.startsAt is not an RFC 3339 time", 422)
    fingerprint = said.get("fingerprint")
    if not isinstance(fingerprint, str) or not FINGERPRINT.fullmatch(fingerprint):
        raise _bad("alert", f"{where}.fingerprint is not hexadecimal", 422)
    labels = _texts(said.get("labels"), f"{where}.labels", LONGEST_LABEL, clean=False)
    if not labels.get("alertname"):
        raise _bad("alert", f"{where} has no label alertname", 422)
    notes = _texts(said.get("annotations", {}), f"{where}.annotations", LONGEST_ANNOTATION)
    return Alert(fingerprint, starts_at, status == "firing", labels, notes)


def _texts(said: Any, where: str, longest: int, *, clean: bool = True) -> dict[str, str]:
    """Return a mapping of texts; annotations are cleaned, labels are identity and must be clean."""
    if not isinstance(said, dict):
        raise _bad("alert", f"{where} is not an object", 422)
    found: dict[str, str] = {}
    for name, value in said.items():
        if not isinstance(value, str):
            raise _bad("alert", f"{where}.{name[:60]!r} is not text", 422)
        if not clean and "\0" in name + value:
            raise _bad("nul", f"{where}.{name[:60]!r} holds a NUL", 422)
        found[plain(name, 200)] = plain(value, longest)
    return found


def _bad(code: str, reason: str, status: int = 400) -> RejectedError:
    return RejectedError(f"desk.body.{code}", plain(reason, 300), status)
