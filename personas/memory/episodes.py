"""What one ended run has shown, read from what the ledger says of it. Pure.

Nothing that a model wrote comes in: verbs, entries, outcomes and states are the gate's own words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters.json_value import JSON
from adapters.text import one_line

ALERT: Final = 80
MOST_ENTRIES: Final = 5
ARROW: Final = " > "


@dataclass(frozen=True, slots=True)
class Said:
    """One entry: its number, hash and content."""

    seq: int
    hash: str
    kind: str
    subject: str
    at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Play:
    """One playbook that a run had executed, and the entry that tells its outcome."""

    entry: str
    target: str
    done: bool
    told: Said


@dataclass(frozen=True, slots=True)
class Episode:
    """One run from its birth to its end."""

    run: str
    card: str
    ci: str
    alert: str
    cause: str
    plays: tuple[Play, ...]
    state: str
    resolved: bool
    escalated: bool
    ended: Said

    def worked(self, *, came_back: bool) -> bool:
        """Tell whether its last play was the remedy: done, resolved, and quiet afterwards."""
        last = self.plays[-1] if self.plays else None
        return bool(last and last.done and self.resolved and not came_back)


@dataclass(frozen=True, slots=True)
class Draft:
    """An item as this run shows it, with the entry that it rests on."""

    kind: str
    ci_class: str
    alert: str
    subject: str
    held: bool
    source: Said
    last: str = ""
    """The catalogue entry that the source must name."""
    done: bool = False
    facts: Mapping[str, JSON] = field(default_factory=dict)

    def as_json(self) -> dict[str, JSON]:
        """Return it as the door takes it."""
        return {
            "kind": self.kind,
            "ci_class": self.ci_class,
            "alert": self.alert,
            "subject": self.subject,
            "held": self.held,
            "seq": self.source.seq,
            "hash": self.source.hash,
            "source": self.source.kind,
            "at": self.source.at.isoformat(),
            "last": self.last,
            "done": self.done,
            "facts": dict(self.facts),
        }


def episode(run: str, said: Iterable[Said]) -> Episode | None:
    """Return what the entries of a ticket say of a run; None where they do not tell its end."""
    told = list(said)
    born = _first(told, "run.born", run)
    ended = _first(told, "run.ended", run)
    if born is None or ended is None:
        return None
    own = [one for one in told if one.kind == "action.outcome" and one.body.get("run") == run]
    cause = next((str(o.body.get("cause") or "") for o in told if o.kind == "ticket.opened"), "")
    scope = born.body.get("scope")
    cis = [str(ref) for ref in scope] if isinstance(scope, list) else []
    return Episode(
        run=run,
        card=str(born.body.get("card", "")),
        ci=cis[0] if len(cis) == 1 and born.body.get("joined") == "joined" else "",
        alert=alert_of(cause),
        cause=cause,
        plays=tuple(_plays(own)),
        state=str(ended.body.get("state", "")),
        resolved=_is_done(own, "ticket.resolve"),
        escalated=_is_done(own, "ticket.escalate"),
        ended=ended,
    )


def alert_of(cause: str) -> str:
    """Return the alert's name in the key of a cause: `ci:web-01:WebHangs`, `alert:Name:group`."""
    parts = cause.split(":", 2)
    if len(parts) < 3:
        return ""
    return called(parts[2] if parts[0] == "ci" else parts[1])


def called(name: str) -> str:
    """Return an alert's name as memory knows it: one line, bounded."""
    return one_line(name[:ALERT], ALERT)


def drafts(of: Episode, *, ci_class: str, came_back: bool) -> list[Draft]:
    """Return the items that the run has shown, right or wrong."""
    worked = of.worked(came_back=came_back)
    found = [_what_happened(of, ci_class, worked=worked)]
    if not of.plays:
        return found

    def shown(kind: str, subject: str, play: Play, *, held: bool, done: bool) -> Draft:
        return Draft(kind, ci_class, of.alert, subject, held, play.told, last=play.entry, done=done)

    last = of.plays[-1]
    order = ARROW.join(play.entry for play in of.plays[-MOST_ENTRIES:])
    found.append(shown("procedural", order, last, held=worked, done=worked))
    found += [
        shown("semantic", f"{play.entry} fails", play, held=not play.done, done=play.done)
        for play in {play.entry: play for play in of.plays}.values()
    ]
    if of.resolved:
        sign = f"comes back after {last.entry}"
        found.append(shown("semantic", sign, last, held=came_back, done=last.done))
    return found


def _what_happened(of: Episode, ci_class: str, *, worked: bool) -> Draft:
    return Draft(
        kind="episodic",
        ci_class=ci_class,
        alert=of.alert,
        subject=of.run,
        held=worked,
        source=of.ended,
        facts={
            "card": of.card,
            "ci": of.ci,
            "entries": [play.entry for play in of.plays[:MOST_ENTRIES]],
            "state": of.state,
            "resolved": of.resolved,
            "escalated": of.escalated,
        },
    )


def _first(told: Sequence[Said], kind: str, subject: str) -> Said | None:
    return next((one for one in told if (one.kind, one.subject) == (kind, subject)), None)


def _plays(own: Iterable[Said]) -> list[Play]:
    return [
        Play(
            entry=str(one.body.get("entry", "")),
            target=str(one.body.get("target", "")),
            done=one.body.get("outcome") == "done",
            told=one,
        )
        for one in own
        if one.body.get("verb") == "playbook.run" and one.body.get("risk") != "none"
    ]


def _is_done(own: Iterable[Said], verb: str) -> bool:
    return any(o.body.get("verb") == verb and o.body.get("outcome") == "done" for o in own)
