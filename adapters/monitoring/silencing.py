"""Silences at an Alertmanager, by its API of version 2: found by our id in the comment."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from adapters.monitoring.errors import SilenceAwayError, SilenceRefusedError
from adapters.monitoring.port import Silence, Silenced
from adapters.text import one_line

TIMEOUT_S: Final = 5.0
LARGEST: Final = 16 * 1024 * 1024
AUTHOR: Final = "ethops"


class _Status(BaseModel):
    state: str


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    status: _Status
    comment: str = ""
    endsAt: datetime  # noqa: N815 - Alertmanager's name


_ROWS: Final = TypeAdapter(list[_Row])


class Silencer:
    """Makes, moves and ends silences of one Alertmanager; all of it is safe to repeat."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def find(self, key: str) -> Silenced | None:
        """Return the silence of this key that stands or is to come, None where there is none."""
        mark = _mark(key)
        rows = [row for row in self._all() if mark in row.comment and row.status.state != "expired"]
        if not rows:
            return None
        last = max(rows, key=lambda row: row.endsAt)
        return Silenced(last.id, last.endsAt)

    def put(self, silence: Silence) -> Silenced:
        """Make it, or move the end of the one that is there.

        Raises:
            SilenceAwayError: nobody can tell whether it was made; find it, or say it again.
            SilenceRefusedError: Alertmanager does not take it.
        """
        found = self.find(silence.key)
        if found is not None and _same(found.ends_at, silence.ends_at):
            return found
        body: dict[str, Any] = {
            "matchers": [dict(one) for one in silence.matchers],
            "startsAt": silence.begins_at.astimezone(UTC).isoformat(),
            "endsAt": silence.ends_at.astimezone(UTC).isoformat(),
            "createdBy": AUTHOR,
            "comment": f"{one_line(silence.why, 300)} {_mark(silence.key)}",
        }
        if found is not None:
            body["id"] = found.id
        said = self._ask("POST", "/api/v2/silences", json=body)
        try:
            made = str(said.json()["silenceID"])
        except (ValueError, KeyError, TypeError) as fault:
            raise SilenceAwayError(f"{self._url} does not say which silence it made") from fault
        return Silenced(made, silence.ends_at)

    def expire(self, key: str) -> bool:
        """End it now; False where there is none.

        Raises:
            SilenceAwayError: nobody can tell whether it was ended.
            SilenceRefusedError: Alertmanager does not take it.
        """
        ended = False
        # Of a silence whose matchers were changed by hand there may be two.
        for _ in range(5):
            found = self.find(key)
            if found is None:
                return ended
            self._ask("DELETE", f"/api/v2/silence/{found.id}")
            ended = True
        raise SilenceAwayError(f"{self._url} keeps having a silence that was ended")

    def _all(self) -> Sequence[_Row]:
        said = self._ask("GET", "/api/v2/silences")
        try:
            return _ROWS.validate_json(said.content)
        except ValidationError as fault:
            raise SilenceAwayError(f"{self._url} answers what are no silences") from fault

    def _ask(self, verb: str, path: str, json: Mapping[str, Any] | None = None) -> httpx.Response:
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client,
                client.stream(verb, f"{self._url}{path}", json=json) as answer,
            ):
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise SilenceAwayError(f"{self._url} answers more than {LARGEST} bytes")
        except httpx.HTTPError as fault:
            raise SilenceAwayError(f"{self._url} did not answer: {fault}") from fault
        if answer.status_code == HTTPStatus.OK:
            return httpx.Response(answer.status_code, content=body)
        words = one_line(body.decode("utf-8", "replace"), 200)
        said = f"{self._url} answered {answer.status_code}: {words}"
        if answer.is_server_error or answer.status_code in (408, 429):
            raise SilenceAwayError(said)
        raise SilenceRefusedError(said)


def _mark(key: str) -> str:
    return f"[ethops:{key}]"


def _same(one: datetime, other: datetime) -> bool:
    return abs((one - other).total_seconds()) < 1
