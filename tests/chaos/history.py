"""What happened in the world, held against what was accepted and recorded: a pure checker."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

ENDED = frozenset({"resolved", "closed", "escalated"})
"""States in which an incident is either mended or in the hands of a person."""

ONCE_PER_TICKET = frozenset({"ticket.assign", "ticket.escalate", "ticket.resolve", "playbook.run"})

ESCALATION = "rule:escalation"
"""Orders one notice per escalation; a doubt about each of two actions makes two."""

EffectKind: TypeAlias = Literal["line", "notice", "play"]


@dataclass(frozen=True, slots=True)
class Event:
    """An alert as the desk wrote it down, and what it decided."""

    fingerprint: str
    decision: str
    reason: str
    ticket_ref: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it stands at the end."""

    ref: str
    ticket_class: str
    state: str


@dataclass(frozen=True, slots=True)
class Action:
    """What the gate decided, what the work row says, and what came of it."""

    id: str
    principal: str
    ticket_ref: str
    verb: str
    entry: str
    target: str
    verdict: str
    outcome: str
    work_state: str
    entry_seq: int | None

    @property
    def in_doubt(self) -> bool:
        """Nobody knows what came of it, and a person is asked."""
        return self.work_state == "in_doubt"


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger entry, and when the transaction that appended it was committed."""

    seq: int
    kind: str
    subject: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that happened in the world, under the action id that it carried."""

    kind: EffectKind
    action_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """Everything that the checker looks at."""

    accepted: tuple[str, ...]
    """Fingerprints whose delivery was confirmed to the sender."""
    events: tuple[Event, ...]
    tickets: tuple[Ticket, ...]
    actions: tuple[Action, ...]
    entries: tuple[Entry, ...]
    effects: tuple[Effect, ...]
    restarts: dict[str, int] = field(default_factory=dict)
    """CI -> how often its process was started again."""
    repeated_posts: int = 0
    """Deliveries of a notice under a key that its receiver had seen before."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, a sentence each; `in_doubt` is allowed, and visible."""

    lost: tuple[str, ...]
    twice: tuple[str, ...]
    unrecorded: tuple[str, ...]
    untrue: tuple[str, ...]
    """Where the record says one thing of an outcome and the world another."""
    in_doubt: tuple[str, ...]

    @property
    def wrong(self) -> tuple[str, ...]:
        """Every promise that was not kept."""
        return self.lost + self.twice + self.unrecorded + self.untrue


def check(history: History) -> Findings:
    """Look for what was lost, what happened twice, and what happened without a record."""
    return Findings(
        lost=(*_lost_alerts(history), *_lost_tickets(history), *_lost_actions(history)),
        twice=(*_acted_twice(history), *_asked_twice(history), *_restarted_twice(history)),
        unrecorded=tuple(_unrecorded(history)),
        untrue=tuple(_untrue(history)),
        in_doubt=tuple(
            f"{action.verb} {action.entry} on {action.target or action.ticket_ref} ({action.id})"
            for action in history.actions
            if action.in_doubt
        ),
    )


def _lost_alerts(history: History) -> Iterator[str]:
    refs = {ticket.ref for ticket in history.tickets}
    events: dict[str, list[Event]] = {}
    for event in history.events:
        events.setdefault(event.fingerprint, []).append(event)
    for fingerprint in history.accepted:
        found = events.get(fingerprint, [])
        if not found:
            yield f"alert {fingerprint} was accepted and no event was written"
        elif not any(_has_place(event, refs) for event in found):
            yield f"alert {fingerprint} has neither a ticket nor a reason to be dropped"


def _has_place(event: Event, refs: set[str]) -> bool:
    return event.ticket_ref in refs or (
        event.decision in {"dropped", "suppressed"} and bool(event.reason)
    )


def _lost_tickets(history: History) -> Iterator[str]:
    doubtful = {action.ticket_ref for action in history.actions if action.in_doubt}
    told = {
        action.ticket_ref
        for action in history.actions
        if action.verb == "notify" and (action.outcome == "done" or action.in_doubt)
    }
    for ticket in history.tickets:
        if ticket.ticket_class != "incident":
            continue
        if ticket.state not in ENDED and ticket.ref not in doubtful:
            yield f"{ticket.ref} ended as {ticket.state}"
        if ticket.state == "escalated" and ticket.ref not in told:
            yield f"{ticket.ref} was escalated and nobody was told"


def _lost_actions(history: History) -> Iterator[str]:
    for action in history.actions:
        if action.verdict == "authorised" and not action.outcome and not action.in_doubt:
            yield f"{action.verb} {action.id} was authorised and never settled"


def _untrue(history: History) -> Iterator[str]:
    happened = {effect.action_id for effect in history.effects}
    for action in history.actions:
        if action.outcome == "done" and action.id not in happened:
            yield f"{action.verb} {action.id} is said to be done and did not happen"
        # A play may begin and fail; a ticket or a notice is written or it is not.
        refused = action.outcome not in {"", "done"} and action.verb != "playbook.run"
        if refused and action.id in happened:
            yield f"{action.verb} {action.id} is said to be {action.outcome} and happened"


def _acted_twice(history: History) -> Iterator[str]:
    counted = Counter((effect.kind, effect.action_id) for effect in history.effects)
    for (kind, action_id), times in counted.items():
        if times > 1:
            yield f"{kind} of action {action_id} happened {times} times"


def _asked_twice(history: History) -> Iterator[str]:
    """The same effect under two ids is as bad as one id twice."""
    happened = {effect.action_id for effect in history.effects}
    counted = Counter(
        (action.ticket_ref, action.verb, action.entry, action.target)
        for action in history.actions
        if action.id in happened
        and (action.verb in ONCE_PER_TICKET or action.principal == ESCALATION)
    )
    for (ref, verb, entry, _), times in counted.items():
        if times > 1:
            yield f"{verb} {entry} happened {times} times for {ref}, under as many ids"


def _restarted_twice(history: History) -> Iterator[str]:
    begun = {effect.action_id for effect in history.effects if effect.kind == "play"}
    wanted = Counter(action.target for action in history.actions if action.id in begun)
    for target, times in history.restarts.items():
        if times > wanted[target]:
            yield f"{target} was restarted {times} times by {wanted[target]} plays"


def _unrecorded(history: History) -> Iterator[str]:
    actions = {action.id: action for action in history.actions}
    recorded = {
        entry.subject: entry for entry in history.entries if entry.kind == "action.authorised"
    }
    for effect in history.effects:
        action, entry = actions.get(effect.action_id), recorded.get(effect.action_id)
        if action is None or action.verdict != "authorised":
            yield f"{effect.kind} of {effect.action_id}, which nobody authorised"
        elif entry is None or entry.seq != action.entry_seq:
            yield f"{effect.kind} of {effect.action_id}, whose permit is not in the ledger"
        elif entry.committed_at > effect.at:
            yield f"{effect.kind} of {effect.action_id} came before its ledger entry"


def first_of(posts: Iterable[Effect]) -> tuple[tuple[Effect, ...], int]:
    """Return what a receiver keeps that drops repeats of a key, and how many it dropped."""
    kept: dict[str, Effect] = {}
    dropped = 0
    for post in posts:
        if post.action_id in kept:
            dropped += 1
        else:
            kept[post.action_id] = post
    return tuple(kept.values()), dropped
