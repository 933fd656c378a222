"""Why something was done: from any effect back to its alert, each link with its ledger entry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from adapters.cmdb.models import CI
from audit.models import Entry
from ethops.desk.models import Event
from ethops.world import ledger
from ethops.world.story import deed, said_by
from personas.models import Action, Run, Step

MOST_EFFECTS: Final = 200
OWN: Final = frozenset(
    {
        *("action.authorised", "action.denied", "action.observed", "action.proposed"),
        *("action.outcome", "action.void", "action.expired"),
    }
)
"""Kinds about an action that have a link of their own; every other is a link by its kind."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain; `seq` is None where it has no entry, or none yet.

    `holds` tells whether the entry's bytes give its hash.
    """

    stage: str
    what: str
    at: datetime | None = None
    id: str = ""
    seq: int | None = None
    holds: bool | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chain:
    """From the alert to what came of one action, in the order in which it happened."""

    action: Action
    links: tuple[Link, ...]


class _Entries:
    """The entries of some tickets, by kind and subject; the first of each."""

    def __init__(self, tickets: Iterable[str]) -> None:
        self._by_name: dict[tuple[str, str], Entry] = {}
        self._by_subject: dict[str, list[Entry]] = {}
        for entry in Entry.objects.filter(ticket_ref__in=[t for t in tickets if t]).order_by("seq"):
            self._by_name.setdefault((entry.kind, entry.subject), entry)
            self._by_subject.setdefault(entry.subject, []).append(entry)

    def of(self, kind: str, subject: object) -> Entry | None:
        return self._by_name.get((kind, str(subject)))

    def others(self, subject: object) -> list[Entry]:
        return [e for e in self._by_subject.get(str(subject), []) if e.kind not in OWN]


def of_action(action_id: UUID) -> Chain | None:
    """Return the chain of one action, None where there is no such action."""
    return next(iter(_chains(Action.objects.filter(id=action_id))), None)


def of_run(run_id: UUID) -> list[Chain]:
    """Return the chains of everything that a run asked for."""
    return _chains(Action.objects.filter(run=run_id))


def of_ticket(ref: str) -> list[Chain]:
    """Return the chains of everything that was asked for on a ticket, oldest first."""
    return _chains(Action.objects.filter(ticket_ref=ref))


def _chains(found: Any) -> list[Chain]:
    actions = list(
        found.select_related("run__intent", "work").order_by("decided_at")[:MOST_EFFECTS]
    )
    entries = _Entries({one.ticket_ref for one in actions})
    events = _events({one.ticket_ref for one in actions})
    runs = {one.run_id for one in actions if one.run_id}
    steps = {(step.run_id, step.number): step for step in Step.objects.filter(run__in=runs)}
    cis = dict(
        CI.objects.filter(ref__in={a.target for a in actions}).values_list("ref", "ci_class")
    )
    return [
        Chain(
            one,
            (
                *_alert(events.get(one.ticket_ref)),
                *_incident(one, entries),
                *_run(one.run, entries),
                *_step(one, steps, entries),
                *_asked(one, entries, cis.get(one.target, "")),
                *_acted(one, entries),
            ),
        )
        for one in actions
    ]


def _events(tickets: set[str]) -> dict[str, Event]:
    found: dict[str, Event] = {}
    for event in Event.objects.filter(ticket_ref__in=tickets, status="firing").order_by("at", "id"):
        found.setdefault(event.ticket_ref, event)
    return found


def _link(stage: str, what: str, entry: Entry | None, at: datetime | None, /, **more: Any) -> Link:
    return Link(
        stage=stage,
        what=what,
        at=at or (entry.at if entry else None),
        id=str(more.pop("id", "")),
        seq=entry.seq if entry else None,
        holds=ledger.bytes_hold(entry) if entry else None,
        facts={name: value for name, value in more.items() if value not in ("", None, [], {})},
    )


def _alert(event: Event | None) -> list[Link]:
    if event is None:
        return []
    labels = event.labels if isinstance(event.labels, dict) else {}
    name = str(labels.get("alertname") or "without a name")[:120]
    return [
        _link(
            "event", f"alert {name}", None, event.at, id=event.id,
            delivery=event.delivery_id, joined=event.joined, ci=event.ci_ref,
            decision=event.decision,
        )
    ]  # fmt: skip


def _incident(action: Action, entries: _Entries) -> list[Link]:
    if not action.ticket_ref:
        return []
    entry = entries.of("ticket.opened", action.ticket_ref)
    said = _body(entry)
    return [
        _link(
            "incident", f"{action.ticket_ref} opened by {said.get('author', 'nobody known')}",
            entry, None, id=action.ticket_ref, cause=said.get("cause"),
        )
    ]  # fmt: skip


def _run(run: Run | None, entries: _Entries) -> list[Link]:
    if run is None:
        return []
    born, asked = entries.of("run.born", run.id), entries.of("person.asked_run", run.intent_id)
    by = _body(asked).get("person") or "the dispatcher"
    return [
        _link(
            "dispatch", f"{by} called {run.card_id}", asked or born, run.intent.created_at,
            id=run.intent_id, priority=run.intent.priority, joined=run.intent.joined,
            parent_run=run.intent.inputs.get("parent_run"),
        ),
        _link(
            "run", f"{run.card_id} for {run.ticket_ref}", born, run.created_at,
            id=run.id, scope=run.intent.scope, card_digest=_body(born).get("card_digest"),
        ),
    ]  # fmt: skip


def _step(action: Action, steps: Mapping[tuple[UUID, int], Step], entries: _Entries) -> list[Link]:
    if action.run_id is None:
        return []
    step = steps.get((action.run_id, action.step_number))
    name = f"{action.run_id}:{action.step_number}"
    links = []
    asked = entries.of("step.asked", name)
    if asked is not None:
        links.append(_link("question", f"asked a model of {_body(asked).get('slot')}", asked, None,
                           id=_body(asked).get("inference", "")))  # fmt: skip
    if step is None:
        return [*links, _link("step", f"step {action.step_number}, not over", None, None, id=name)]
    question, answer = _mapping(step.question), _mapping(step.answer)
    said = str(answer.get("choice") or "nothing")
    links.append(
        _link(
            "step", f"step {step.number}: {question.get('kind', '')}, answered {said}",
            entries.of("step.taken", name), step.ended_at, id=name,
            why=[str(one)[:200] for one in answer.get("why") or []][:12],
            engine=answer.get("engine"), rule=answer.get("rule"),
            confidence=answer.get("confidence"),
            memory=_mapping(question.get("facts")).get("memory.given"),
        )
    )  # fmt: skip
    return links


def _asked(action: Action, entries: _Entries, ci_class: str) -> list[Link]:
    decided = entries.of(f"action.{action.verdict}", action.id)
    proposed = entries.of("action.proposed", action.id)
    by = action.run.card_id if action.run else action.principal
    others = [
        _link(one.kind, one.kind.replace(".", " ").replace("_", " "), one, None)
        for one in entries.others(action.id)
    ]
    last = decided.seq if decided else 0
    return [
        _link(
            "proposal", f"{by} asked for {deed(action)}", proposed or decided, action.decided_at,
            id=action.id, verb=action.verb, entry=action.entry, target=action.target,
            ci_class=ci_class, key=action.key,
        ),
        # What a person said comes before the permit, what was found out later after it.
        *(one for one in others if (one.seq or 0) < last),
        _link(
            "decision", f"{action.verdict}{f': {action.reason}' if action.reason else ''}",
            decided, decided.at if proposed and decided else action.decided_at,
            guard=action.guard, level=action.level, tree_hash=action.tree_hash, risk=action.risk,
        ),
        *(one for one in others if (one.seq or 0) > last),
    ]  # fmt: skip


def _acted(action: Action, entries: _Entries) -> list[Link]:
    work = action.work
    if work is None:
        return []
    links = []
    if work.claimed_at is not None:
        links.append(
            _link("claim", f"claimed by {work.holder}", None, work.claimed_at,
                  intent_seq=work.entry_seq, attempts=work.attempts)
        )  # fmt: skip
    kinds = ("action.outcome", "action.expired", "action.void")
    entry = next((e for kind in kinds if (e := entries.of(kind, action.id))), None)
    what = action.outcome or {"in_doubt": "in doubt"}.get(work.state, "open")
    links.append(
        _link("outcome", what, entry, action.settled_at, said=said_by(action.result)[:300])
    )
    return links


def _body(of: Entry | None) -> Mapping[str, Any]:
    return {} if of is None else _mapping(ledger.content(of).get("body"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
