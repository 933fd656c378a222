"""The story of a ticket: worklog, events, actions and runs told as one list, oldest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.tickets.models import LogLine
from audit.models import Entry
from ethops.desk.models import Event
from ethops.world import ledger
from ethops.world.tickets import Dossier
from personas.models import Action, Run

TOLD_BY_WORKLOG = frozenset(
    {"ticket.comment", "ticket.assign", "ticket.resolve", "ticket.escalate", "ticket.ask"}
)
"""Verbs whose effect is a worklog line: that line tells it, permit and outcome are routine."""

ONE_TRANSACTION = timedelta(seconds=1)
"""How far apart the clock and a transaction's own time stand at most."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened.

    `who` and `what` make a sentence; `detail` is a fact beside it; `said` is prose, from
    outside or of an agent where `tainted` or `author` say so. `routine` lines may be folded.
    """

    at: datetime
    kind: str
    who: str
    what: str
    detail: str = ""
    said: str = ""
    author: str = ""
    tainted: bool = False
    seq: int | None = None
    routine: bool = False
    repeats: int = 0
    last_at: datetime | None = None
    run: str = ""
    action: str = ""
    private: bool = False
    engine: str = ""
    confidence: float | None = None


class Seals:
    """Entry numbers of a ticket: by (kind, subject), and by line of the worklog."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_name: dict[tuple[str, str], int] = {}
        self._by_line: dict[int, tuple[int, dict[str, Any]]] = {}
        for entry in entries:
            self._by_name.setdefault((entry.kind, entry.subject), entry.seq)
            body = ledger.content(entry).get("body") if entry.kind.startswith("ticket.") else None
            if isinstance(body, dict) and isinstance(body.get("line"), int):
                self._by_line.setdefault(body["line"], (entry.seq, body))

    def of(self, *names: tuple[str, object]) -> int | None:
        """Return the number of the first of these entries that is there."""
        for kind, subject in names:
            seq = self._by_name.get((kind, str(subject)))
            if seq is not None:
                return seq
        return None

    def of_line(self, n: int) -> int | None:
        """Return the number of the entry that recorded a line of the worklog."""
        return self._by_line[n][0] if n in self._by_line else None

    def deed_of_line(self, n: int) -> str:
        """Return what the author of a line did, in words."""
        body = self._by_line[n][1] if n in self._by_line else {}
        if body.get("stimulus") == "ev_assign" and "assignee" in (body.get("fields") or []):
            return "moved the ticket"
        return MOVES.get(str(body.get("stimulus", "")), "wrote")


def story(dossier: Dossier) -> list[Told]:
    """Merge everything into one list, oldest first, cause before effect."""
    seals = Seals(dossier.entries)
    of_event = _pairs(dossier.events, dossier.lines)
    told_by_event = {line.n for line in of_event.values()}
    told = [
        *(_event(event, of_event.get(event.id), seals) for event in dossier.events),
        *_runs(dossier.runs, seals),
        *_actions(dossier.actions, seals),
        *(
            _line(line, dossier, seals, told_by_event=line.n in told_by_event)
            for line in dossier.lines
        ),
    ]
    return sorted(told, key=lambda one: one.at)


def _pairs(events: Iterable[Event], lines: Iterable[LogLine]) -> dict[int, LogLine]:
    """Return the line that a rule wrote in the transaction of each event."""
    free = [line for line in lines if line.author_kind == "rule"]
    pairs: dict[int, LogLine] = {}
    for event in events:
        close = [line for line in free if abs(line.at - event.at) < ONE_TRANSACTION]
        if close:
            nearest = min(close, key=lambda line: abs(line.at - event.at))
            pairs[event.id] = nearest
            free.remove(nearest)
    return pairs


def _event(event: Event, line: LogLine | None, seals: Seals) -> Told:
    labels: dict[str, Any] = event.labels if isinstance(event.labels, dict) else {}
    notes: dict[str, Any] = event.annotations if isinstance(event.annotations, dict) else {}
    ended = event.status == "resolved"
    return Told(
        at=event.at,
        kind="alert_ended" if ended else "alert",
        who="Alert ended" if ended else "Alert",
        what=str(labels.get("alertname") or "without a name"),
        detail="" if ended else event.reason or event.decision,
        said="" if ended else str(notes.get("description") or notes.get("summary") or ""),
        author="alert",
        tainted=True,
        seq=None if line is None else seals.of_line(line.n),
        repeats=event.repeats,
        last_at=event.last_at,
    )


def _runs(runs: Iterable[Run], seals: Seals) -> Iterator[Told]:
    for run in runs:
        yield Told(
            at=run.created_at,
            kind="run",
            who=run.card_id,
            what="was called",
            seq=seals.of(("run.born", run.id)),
            routine=True,
            run=str(run.id),
        )
        if run.ended_at is not None:
            yield Told(
                at=run.ended_at,
                kind="run" if run.state == "succeeded" else "run_ended",
                who=run.card_id,
                what=RUN_ENDS.get(run.state, run.state),
                detail=run.summary,
                seq=seals.of(("run.ended", run.id)),
                routine=run.state == "succeeded",
                run=str(run.id),
            )


RUN_ENDS = {
    "succeeded": "finished",
    "failed": "could not finish",
    "cancelled": "was ended",
    "timed_out": "ran out of time",
}


def _actions(actions: Iterable[Action], seals: Seals) -> Iterator[Told]:
    for action in actions:
        told_elsewhere = action.verb in TOLD_BY_WORKLOG
        expected = told_elsewhere or action.verb == "notify"
        yield _verdict(action, seals, routine=expected and action.verdict == "authorised")
        if action.outcome:
            yield _outcome(action, seals, routine=told_elsewhere and action.outcome == "done")
        elif action.work is not None and action.work.state == "in_doubt":
            yield _doubt(action, seals)


def _verdict(action: Action, seals: Seals, *, routine: bool) -> Told:
    kind = {
        "authorised": "permit",
        "denied": "denied",
        "observed": "would",
        "proposed": "proposed",
    }[action.verdict]
    return Told(
        at=action.decided_at,
        kind=kind,
        who=_asker(action),
        what=deed(action),
        detail=action.reason or _level(action),
        seq=seals.of((f"action.{action.verdict}", action.id)),
        routine=routine,
        run=str(action.run_id or ""),
        action=str(action.id),
    )


def _outcome(action: Action, seals: Seals, *, routine: bool) -> Told:
    at = action.settled_at or action.decided_at
    kind = action.outcome if action.outcome in {"done", "failed"} else "void"
    if action.verb == "notify" and kind == "done":
        kind = "told"
    return Told(
        at=at,
        kind=kind,
        who=action.outcome,
        what=deed(action),
        detail=said_by(action.result),
        seq=seals.of(
            ("action.outcome", action.id), ("action.expired", action.id), ("action.void", action.id)
        ),
        routine=routine,
        last_at=action.work.claimed_at if action.work else None,
        action=str(action.id),
    )


def _doubt(action: Action, seals: Seals) -> Told:
    work = action.work
    return Told(
        at=action.decided_at if work is None else work.claimed_at or action.decided_at,
        kind="in_doubt",
        who="In doubt",
        what=deed(action),
        detail="nobody has reported its outcome; the world is asked again",
        seq=seals.of(("action.in_doubt", action.id)),
        last_at=None if work is None else work.not_before,
        action=str(action.id),
    )


def _line(line: LogLine, dossier: Dossier, seals: Seals, *, told_by_event: bool) -> Told:
    action = next((one for one in dossier.actions if one.id == line.action_id), None)
    reasoning = None
    if action is not None and action.run_id is not None:
        reasoning = dossier.reasoning.get((action.run_id, action.step_number))
    told_by_outcome = action is not None and action.verb == "playbook.run" and bool(action.outcome)
    return Told(
        at=line.at,
        kind="note",
        who=line.author,
        what=seals.deed_of_line(line.n) if action is None else LINE_SAYS.get(action.verb, "wrote"),
        said=line.text,
        author=line.author_kind,
        tainted=line.tainted,
        seq=seals.of_line(line.n) or seals.of(("action.outcome", line.action_id)),
        routine=told_by_event or told_by_outcome,
        run="" if action is None else str(action.run_id or ""),
        action="" if action is None else str(action.id),
        private=line.visibility == "private",
        engine="" if reasoning is None else reasoning.engine,
        confidence=None if reasoning is None else reasoning.confidence,
    )


MOVES = {
    "ev_assign": "gave the ticket to a team",
    "ev_pending": "put the ticket on hold",
    "ev_escalate": "asks for a person",
    "ev_resolve": "resolved the ticket",
    "ev_close": "closed the ticket",
    "ev_reopen": "opened the ticket again",
    "ev_implement": "begins",
    "ev_finish": "is through",
    "ev_fail": "could not finish",
    "ev_cancel": "cancelled it",
    "ev_known_error": "made it a known error",
    "ev_validate": "validated the change",
    "ev_reject": "rejected it",
    "ev_plan": "planned the change",
    "ev_approve": "approved it",
    "ev_notapprove": "did not approve it",
    "ev_monitor": "watches the change",
    "ev_wait_for_approval": "asks for approval",
}
LINE_SAYS = {
    "ticket.comment": "wrote",
    "ticket.assign": "set priority and team",
    "ticket.resolve": "resolved the ticket",
    "ticket.escalate": "asks for a person",
    "ticket.ask": "asks people",
}

DEEDS = {
    "ticket.comment": "a note",
    "ticket.assign": "priority and team",
    "ticket.resolve": "resolving the ticket",
    "ticket.escalate": "calling a person",
    "ticket.ask": "asking people",
    "pull.open": "a pull request",
    "pull.merge": "merging a pull request",
    "pull.tell": "telling what became of a pull request",
    "notify": "telling a person",
    "alerts.silence": "a silence for a maintenance window",
}


def deed(action: Action) -> str:
    """Return what an action is about, in words: `restart_service on web-1`."""
    if action.verb != "playbook.run":
        return DEEDS.get(action.verb, action.verb)
    return f"{action.entry} on {action.target}" if action.target else action.entry


def said_by(result: object) -> str:
    """Return the sentence in an action's result."""
    said = result.get("said") if isinstance(result, dict) else None
    return said if isinstance(said, str) else ""


def _asker(action: Action) -> str:
    if action.run is not None:
        return action.run.card_id
    return action.principal.partition(":")[2] or action.principal


def _level(action: Action) -> str:
    return f"level {action.level}" if action.level and action.verb == "playbook.run" else ""
