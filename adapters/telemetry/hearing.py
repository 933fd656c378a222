"""From what lines say to uses of keys: who concerns us, when it ended, how it went on."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.telemetry.lines import Continued, Dropped, Elevation, End, Login, Said
from adapters.telemetry.models import Use
from adapters.telemetry.records import Record
from adapters.text import plain

LONGEST_TEXT: Final = 8_000
"""Characters kept of a line and of a command."""


@dataclass(slots=True)
class Hearing:
    """One round at one host: which keys and accounts concern us, and what was found of them."""

    host: str
    after: datetime | None
    seen_at: datetime
    prints: frozenset[str]
    accounts: frozenset[str]
    fresh: list[Use] = field(default_factory=list)
    dropped: list[datetime] = field(default_factory=list)
    """When the host said that it had not written down everything."""

    def hear(self, record: Record, said: Said, place: str) -> None:
        """Make a use of what a record says, or add to one; most records say nothing to us."""
        if isinstance(said, Login):
            if self._is_ours(said):
                self.fresh.append(self._login(record, said, place))
        elif isinstance(said, Elevation):
            if said.account in self.accounts:
                self.fresh.append(self._elevation(record, said, place))
        elif isinstance(said, End):
            self._end(record, said)
        elif isinstance(said, Dropped):
            self.dropped.append(record.at)
        else:
            self._continue(record, said)

    def _is_ours(self, login: Login) -> bool:
        ours = bool({login.fingerprint, login.authority} & self.prints)
        return ours or (login.granted and login.account in self.accounts)

    def _use(self, record: Record, place: str, **values: Any) -> Use:
        return Use(
            host=self.host,
            at=record.at,
            after=self.after,
            seen_at=self.seen_at,
            session=record.pid[:80],
            line=_fit(f"{record.program}: {record.message}"),
            position=(record.position or place)[:200],
            **values,
        )

    def _login(self, record: Record, said: Login, place: str) -> Use:
        return self._use(
            record,
            place,
            kind="login",
            account=_fit(said.account, 100),
            granted=said.granted,
            method=said.method[:60],
            fingerprint=said.fingerprint[:64],
            authority=said.authority[:64],
            address=said.address[:100],
            port=min(said.port, 65_535),
        )

    def _elevation(self, record: Record, said: Elevation, place: str) -> Use:
        return self._use(
            record,
            place,
            kind="elevation",
            account=_fit(said.account, 100),
            granted=said.granted,
            run_as=_fit(said.run_as, 100),
            command=_fit(said.command),
        )

    def _end(self, record: Record, said: End) -> None:
        """Note the end of a login; one that did not concern us is nowhere to be found."""
        by = {"address": said.address, "port": said.port} if said.port else {"session": record.pid}
        wanted = {"kind": "login", "granted": True, "account": said.account, "ended_at": None, **by}
        for use in reversed(self.fresh):
            if all(getattr(use, name) == value for name, value in wanted.items()):
                use.ended_at = record.at
                return
        known = Use.objects.filter(host=self.host, **wanted).order_by("-id").first()
        if known is not None:
            # To be joined anew: how long it lasted can be seen now.
            Use.objects.filter(pk=known.pk).update(ended_at=record.at, joined_at=None)

    def _continue(self, record: Record, said: Continued) -> None:
        """Add to the command that the line before began; sudo cut it at a space."""
        wanted = {"kind": "elevation", "account": said.account, "session": record.pid}
        for use in reversed(self.fresh):
            if all(getattr(use, name) == value for name, value in wanted.items()):
                use.command = _fit(f"{use.command} {said.rest}")
                use.line = _fit(f"{use.line} {said.rest}")
                return
        known = Use.objects.filter(host=self.host, **wanted).order_by("-id").first()
        if known is not None and known.at > record.at - timedelta(minutes=1):
            known.command = _fit(f"{known.command} {said.rest}")
            known.line = _fit(f"{known.line} {said.rest}")
            known.joined_at = None
            known.save(update_fields=["command", "line", "joined_at"])


def _fit(text: str, limit: int = LONGEST_TEXT) -> str:
    return plain(text, limit)
