"""The third same repair in a week opens a problem by rule; of one CI it takes that right back, too.

Also what becomes of a problem: incidents that show it to be back open it again; a week without any
closes it. A person closes it sooner, or all the same, for a reason that he states.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID, uuid5

from django.db import DatabaseError, transaction
from django.db.models import Q

from adapters import registry
from adapters.errors import AdapterError
from adapters.tickets.models import Deed, Link, Problem, Ticket
from adapters.tickets.port import Link as Hangs
from adapters.tickets.port import TicketDraft, Vouched
from ethops.desk import notices, patterns
from ethops.desk.models import Event
from ethops.desk.patterns import WITHIN, Pattern, Repaired
from ethops.executor import tickets
from personas.autonomy import doors
from personas.models import Action

RULE: Final = "recurrence"
NAMESPACE: Final = UUID("2b6a7d53-5a39-4f0e-9d1c-6c1a4f5be0a7")
AT_ONCE: Final = 5_000
PROBLEMS: Final = 1_000
NAMED: Final = 20
"""So many repairs are listed in a problem; all of their incidents are linked."""
ADVICE: Final = (
    "A repair that is needed again and again hides a cause. Find it; until then write down what"
    " helps, as a known error."
)

log = logging.getLogger(__name__)


def watch() -> int:
    """Open, extend, open again and close problems; returns how many of these were done."""
    known = _problems()
    by_key = {one.ticket.cause_key: one.ticket for one in reversed(known)}
    done = 0
    for pattern in patterns.patterns(_repairs(datetime.now(UTC) - WITHIN)):
        done += _mind(pattern, by_key.get(pattern.key))
    for problem in known:
        if problem.ticket.state == "resolved":
            done += _end(problem.ticket)
    return done


def _problems() -> list[Problem]:
    """Return problems, newest first."""
    return list(Problem.objects.select_related("ticket").order_by("-ticket__opened_at")[:PROBLEMS])


def _repairs(begin: datetime) -> list[Repaired]:
    """Return what was really changed for incidents since then, and was needed."""
    rows = list(
        Action.objects.filter(
            verb__in=("playbook.run", "command.run"),
            verdict="authorised",
            outcome="done",
            settled_at__gt=begin,
            ticket_ref__startswith="INC-",
        )
        .exclude(risk="none")
        .exclude(judgement__healed_alone=True)
        .order_by("-settled_at")
        .values_list("id", "ticket_ref", "entry", "target", "run__card_id", "settled_at")[:AT_ONCE]
    )
    alerts = _alerts({ticket for _, ticket, *_ in rows})
    classes = _classes({target for _, _, _, target, *_ in rows})
    return [
        Repaired(
            action=action,
            ticket=ticket,
            entry=entry,
            ci=target,
            ci_class=classes.get(target, ""),
            alert=alerts.get(ticket, ""),
            card=card or "",
            at=settled,
        )
        for action, ticket, entry, target, card, settled in rows
        if settled is not None
    ]


def _alerts(refs: Iterable[str]) -> dict[str, str]:
    """Return by ticket what the first of its alerts is called."""
    rows = Event.objects.filter(ticket_ref__in=refs, status="firing").order_by("-at")
    return {
        ref: str(name or "")[:80]
        for ref, name in rows.values_list("ticket_ref", "labels__alertname")
    }


def _classes(refs: Iterable[str]) -> dict[str, str]:
    found = registry.reader("cmdb").by_refs(sorted(refs))
    return {ci.ref: ci.ci_class for ci in found}


def _mind(pattern: Pattern, problem: Ticket | None) -> int:
    """Open a problem where there is none and it is too often; else hang new incidents on it."""
    if problem is None or problem.state == "closed":
        fresh = patterns.since(pattern, problem.closed_at if problem else None)
        if fresh is None or not patterns.is_too_often(fresh):
            return 0
        return _safely(partial(_open, fresh))
    fresh = patterns.since(pattern, problem.opened_at)
    return _safely(lambda: _extend(problem.ref, fresh.incidents)) if fresh else 0


def _safely(act: Callable[[], int]) -> int:
    """Do one thing; what fails is tried again with the next sweep, and holds nothing else up."""
    try:
        with transaction.atomic():
            return act()
    except (DatabaseError, AdapterError) as fault:
        log.warning("a problem could not be looked after: %s", fault)
        return 0


def _open(pattern: Pattern) -> int:
    """Open the problem, take the right back, tell incident and people: all of it, or nothing."""
    last = pattern.last
    key = f"{pattern.key}:{last.action}"
    title = f"{pattern.entry} on {pattern.where}: {len(pattern.repairs)} times within 7 days"
    deed = tickets.open_problem(
        key=uuid5(NAMESPACE, key),
        draft=TicketDraft(
            ticket_class="problem",
            title=title,
            description=_told(pattern),
            impact=registry.reader("tickets").get(last.ticket).impact,
            urgency=2,
            author=RULE,
            author_kind="rule",
            ci_refs=pattern.cis,
            team="people",
            cause_key=pattern.key,
            incidents=pattern.incidents,
            tainted=True,
        ),
        facts={"rule": RULE, "repairs": [str(one.action) for one in pattern.repairs]},
    )
    if deed.repeated:
        return 0
    # Many CIs of a class with the same trouble share a cause; that each was repaired was right.
    taken = _take_back(pattern, deed.ref) if pattern.scope == "ci" else ""
    said = f"The same repair for the {_nth(len(pattern.repairs))} time within 7 days: {deed.ref}."
    text = f"{said} {taken}".strip()
    for ref in dict.fromkeys((deed.ref, last.ticket)):
        tickets.comment_by_rule(
            key=uuid5(NAMESPACE, f"{key}:told:{ref}"), ref=ref, rule=RULE, text=text, tainted=False
        )
    notices.tell(rule=RULE, key=key, ticket_ref=deed.ref, title=f"{deed.ref}: {title}", text=text)
    return 1


def _told(pattern: Pattern) -> str:
    lines = [
        f"{one.at:%Y-%m-%d %H:%M} UTC, {one.ticket}: {one.entry} on {one.ci}"
        + (f", asked by {one.card}" if one.card else "")
        for one in pattern.repairs[-NAMED:]
    ]
    return "\n".join([ADVICE, "", *lines])


def _take_back(pattern: Pattern, problem: str) -> str:
    """Take each right that was used one level back on this CI; returns what to say of it."""
    triples = {(one.card, one.ci_class): one for one in pattern.repairs if one.card}
    said = []
    for (card, _), one in sorted(triples.items()):
        why = f"{problem}: {pattern.entry} was needed {len(pattern.repairs)} times within 7 days"
        moved = doors.take_back(action_id=one.action, why=why)
        if moved:
            said.append(f"{card} is back with {pattern.entry} {moved}.")
    return " ".join(said)


def _extend(problem: str, incidents: Iterable[str]) -> int:
    """Hang incidents on an open problem that are not yet; returns how many."""
    wanted = list(incidents)
    known = set(
        Link.objects.filter(other_id=problem, kind="caused_by", ticket_id__in=wanted).values_list(
            "ticket_id", flat=True
        )
    )
    new = [ref for ref in wanted if ref not in known]
    for ref in new:
        tickets.link_by_rule(
            key=uuid5(NAMESPACE, f"{problem}:{ref}"),
            link=Hangs(ref, "caused_by", problem),
            rule=RULE,
        )
    return len(new)


def _end(problem: Ticket) -> int:
    """Open a resolved problem again if it is back, or close it if it stayed away for a week."""
    found = came_back(problem)
    if found is None:
        return 0
    if found:
        return _safely(lambda: _again(problem, found))
    return _safely(lambda: _close(problem))


def _again(problem: Ticket, incidents: tuple[str, ...]) -> int:
    tickets.move_by_rule(
        key=uuid5(NAMESPACE, f"{problem.ref}:again:{problem.resolved_at}"),
        ref=problem.ref,
        stimulus="ev_reopen",
        fields={},
        rule=RULE,
        text=f"It is back: {', '.join(incidents[:NAMED])}.",
    )
    _extend(problem.ref, incidents)
    text = f"It was resolved on {problem.resolved_at:%-d %B}, and is back: {incidents[0]}."
    notices.tell(
        rule=RULE,
        key=f"{problem.ref}:again:{problem.resolved_at}",
        ticket_ref=problem.ref,
        title=f"{problem.ref} is back: {problem.title}",
        text=text,
    )
    return 1


def _close(problem: Ticket) -> int:
    tickets.move_by_rule(
        key=uuid5(NAMESPACE, f"{problem.ref}:away:{problem.resolved_at}"),
        ref=problem.ref,
        stimulus="ev_close",
        fields={},
        rule=RULE,
        text=f"None of its incidents has come back for {WITHIN.days} days.",
        came_back=(),
    )
    return 1


def came_back(problem: Ticket) -> tuple[str, ...] | None:
    """Return the incidents that show a problem to be back since it was resolved.

    None where nobody can say: it was resolved less than a week ago, or nothing tells its incidents.
    """
    resolved = problem.resolved_at
    if resolved is None:
        return None
    causes, entries = _marks(problem)
    if not causes and not entries:
        return None
    found = set(
        Ticket.objects.filter(
            ticket_class="incident", cause_key__in=causes, opened_at__gt=resolved
        ).values_list("ref", flat=True)
    )
    found |= set(
        Deed.objects.filter(
            stimulus="ev_reopen", at__gt=resolved, ticket__cause_key__in=causes
        ).values_list("ticket_id", flat=True)
    )
    found |= {
        one.ticket
        for one in (_repairs(resolved) if entries else [])
        if entries & {patterns.ci_key(one), patterns.class_key(one)}
    }
    if found:
        return tuple(sorted(found))
    return () if datetime.now(UTC) - resolved >= WITHIN else None


def _marks(problem: Ticket) -> tuple[set[str], set[str]]:
    """Return by which causes, and by which pattern of repairs, a problem is known again."""
    causes = set(
        Link.objects.filter(other=problem, kind="caused_by")
        .exclude(Q(ticket__cause_key=None) | Q(ticket__cause_key=""))
        .values_list("ticket__cause_key", flat=True)
    )
    return {str(cause) for cause in causes}, {problem.cause_key} if problem.cause_key else set()


def looked(vouched: Vouched, ref: str, stimulus: str, reason: str) -> Vouched:
    """Return what a door vouches for, with what was found about a problem that is to be closed."""
    if stimulus != "ev_close":
        return vouched
    problem = Ticket.objects.filter(ref=ref, ticket_class="problem").first()
    if problem is None:
        return vouched
    return replace(vouched, came_back=came_back(problem), all_the_same=bool(reason.strip()))


def _nth(number: int) -> str:
    return {3: "third", 4: "fourth", 5: "fifth"}.get(number, f"{number}th")
