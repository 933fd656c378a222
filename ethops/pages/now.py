"""Now: four questions answered in words, then what is wrong, who works on it, what waits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from adapters.tickets.models import Ticket
from ethops.pages import ledger_words, levels
from ethops.pages import live as live_parts
from ethops.pages.words import DOING, Moment, State, count, listed, run_state, ticket_state
from ethops.sla import queries as clocks
from ethops.sla.standing import Standing
from ethops.world import autonomy, cards, house, intake, ledger_state, runs, tickets
from ethops.world.story import deed
from ethops.world.tickets import Many
from personas.approvals import queries as approvals
from personas.approvals.models import Approval
from personas.models import Action, Card, Run

SHOWN = 8
URGENT = ("P1", "P2")


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the four answers; it leads to what it is about."""

    question: str
    says: str
    detail: str
    tone: str
    href: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """One open ticket as a line."""

    ref: str
    title: str
    priority: str
    state: State
    holder: str
    left: State | None
    """How much of the time that was promised is left; None where nothing was."""
    since: Moment
    href: str


@dataclass(frozen=True, slots=True)
class Doing:
    """One live run as a line."""

    short: str
    card: str
    doing: str
    state: State
    since: Moment
    href: str


@dataclass(frozen=True, slots=True)
class Waits:
    """One thing that only a person can end."""

    title: str
    detail: str
    glyph: str
    href: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a text, coloured where that helps."""

    name: str
    text: str
    tone: str = ""


def shown(request: HttpRequest, context: dict[str, Any]) -> TemplateResponse:
    """Draw the page."""
    about = {
        **context,
        **content(),
        "title": "Now",
        "live": True,
        "tag": live_parts.tag(request, "now"),
    }
    return TemplateResponse(request, "desk/now.html", about)


def live(request: HttpRequest) -> HttpResponse:
    """Draw the part that keeps itself fresh."""
    return live_parts.part(request, "desk/now_live.html", "now", content)


def content() -> dict[str, Any]:
    """Collect everything the page says; the number of queries does not grow with what is open."""
    now = timezone.now()
    wrong, waiting = tickets.wrong(SHOWN, now), tickets.waiting_now(SHOWN)
    due = clocks.of_tickets([one.ref for one in (*wrong.first, *waiting.first)])
    living = list(runs.live_runs())
    doubts = list(runs.in_doubt())
    proposals = list(approvals.waiting())
    unapproved = cards.waiting()
    holders = {run.ticket_ref: run for run in living}
    answers = [
        wrong_answer(wrong, now),
        doing_answer(living, stopped=house.stop().stopped, now=now),
        waits_answer(waiting, doubts, proposals, unapproved, now),
        whole_answer(now),
    ]
    return {
        "now": Moment(now, now),
        "answers": answers,
        "say": ". ".join(f"{one.question}: {one.says}" for one in answers),
        "open_count": wrong.count,
        "wrong": [
            wrong_line(one, holders.get(one.ref), due.get(one.ref, []), now) for one in wrong.first
        ],
        "nothing_wrong": quiet_since("Nothing is wrong.", "Last alert", intake.last_alert(), now),
        "runs": [doing_line(one, now) for one in living[:SHOWN]],
        "no_runs": quiet_since(
            "No agent is at work.", "The last run ended", runs.last_ended(), now
        ),
        "waits": [
            *(waits_proposal(one, now) for one in proposals[:SHOWN]),
            *map(waits_card, unapproved),
            *(waits_ticket(one, due.get(one.ref, []), now) for one in waiting.first),
            *(waits_doubt(d, now) for d in doubts),
        ],
        "rights": right_facts(runs.rights(now), breaker_word()),
    }


def wrong_answer(wrong: Many, now: datetime) -> Answer:
    """Answer what is wrong: urgent tickets first, none is good news."""
    href = reverse("admin:tickets_ticket_changelist")
    urgent = {rank: number for rank, number in wrong.ranks.items() if rank in URGENT}
    if wrong.oldest is None:
        detail = quiet_since("", "last alert", intake.last_alert(), now) or "no alert yet"
        return Answer("What is wrong", "Nothing", detail, "ok", href)
    detail = f"{count(wrong.count, 'ticket')} open, the oldest for {Moment(wrong.oldest, now).ago}"
    if wrong.late:
        detail += f", {wrong.late} late"
    if not urgent:
        return Answer("What is wrong", "Nothing urgent", detail, "quiet", href)
    says = f"{sum(urgent.values())} open {listed(sorted(urgent))}"
    return Answer("What is wrong", says, detail, "no", href)


def doing_answer(living: list[Run], *, stopped: bool, now: datetime) -> Answer:
    """Answer what agents are doing."""
    href = reverse("admin:personas_run_changelist")
    if stopped:
        detail = f"{count(len(living), 'run')} held" if living else "no run was at work"
        return Answer("What agents are doing", "Stopped", detail, "no", href)
    if not living:
        detail = quiet_since("", "the last run ended", runs.last_ended(), now) or "no run yet"
        return Answer("What agents are doing", "Nothing", detail, "quiet", href)
    words = [live_state(one).word for one in living]
    each = listed([f"{words.count(word)} {word}" for word in dict.fromkeys(words)])
    return Answer("What agents are doing", count(len(living), "run"), each, "run", href)


def waits_answer(
    waiting: Many,
    doubts: list[Action],
    proposals: list[Approval],
    unapproved: list[Card],
    now: datetime,
) -> Answer:
    """Answer what waits for a person."""
    href = f"{reverse('admin:tickets_ticket_changelist')}?show=waits"
    since = [waiting.oldest] if waiting.oldest else []
    since += [one.decided_at for one in doubts]
    since += [one.proposed_at for one in proposals] + [one.loaded_at for one in unapproved]
    if not since:
        return Answer("What waits for you", "Nothing", "no ticket asks for a person", "quiet", href)
    parts = [count(len(proposals), "approval")] if proposals else []
    parts += [count(len(unapproved), "card")] if unapproved else []
    parts += [count(waiting.count, "ticket")] if waiting.count else []
    parts += [f"{len(doubts)} in doubt"] if doubts else []
    oldest = f"the oldest for {Moment(min(since), now).ago}"
    if proposals:
        href = reverse("admin:approval", args=[proposals[0].pk])
    elif unapproved:
        href = reverse("admin:card", args=[unapproved[0].name])
    elif not waiting.count:
        href = reverse("admin:action", args=[doubts[0].id])
    return Answer("What waits for you", listed(parts), oldest, "doubt", href)


def whole_answer(now: datetime) -> Answer:
    """Answer whether the ledger is whole."""
    said = ledger_words.shown(ledger_state.standing(), now)
    return Answer("Is the ledger whole", said.says, said.detail, said.tone, reverse("admin:ledger"))


def wrong_line(one: Ticket, run: Run | None, due: list[Standing], now: datetime) -> Wrong:
    """Show an open ticket as a line."""
    return Wrong(
        ref=one.ref,
        title=one.title,
        priority=one.priority,
        state=ticket_state(one.state),
        holder=one.assignee or (f"{run.card_id}, step {run.steps + 1}" if run else one.team),
        left=levels.left(due),
        since=Moment(one.opened_at, now),
        href=reverse("admin:ticket", args=[one.ref]),
    )


def live_state(run: Run) -> State:
    """Return the state of a live run; its annotations say what it waits for."""
    asked, acting = getattr(run, "asked", None), getattr(run, "acting_verb", None)
    return run_state(run.state, asked=str(asked or "").strip('"'), acting=bool(acting))


def doing_line(run: Run, now: datetime) -> Doing:
    """Show a live run as a line."""
    entry, target = getattr(run, "acting_entry", ""), getattr(run, "acting_target", "")
    asked = str(getattr(run, "asked", None) or "").strip('"')
    doing = f"{entry} on {target}" if entry else DOING.get(asked, "begins")
    return Doing(
        short=str(run.id)[:4],
        card=run.card_id,
        doing=f"{run.ticket_ref}: {doing}",
        state=live_state(run),
        since=Moment(run.created_at, now),
        href=reverse("admin:run", args=[run.id]),
    )


WAITS = {
    "escalated": "asked for a person",
    "waiting_for_approval": "asked for approval",
    "planned": "was planned and wants approval since",
}
"""State that only a person ends -> what came to pass when it began."""


def waits_ticket(one: Ticket, due: list[Standing], now: datetime) -> Waits:
    """Show a ticket that only a person moves on as a thing that waits."""
    left = levels.left(due)
    asked = f"{one.priority}; {WAITS[one.state]} {Moment(one.updated_at, now).ago} ago"
    return Waits(
        title=f"{one.ref} {one.title}",
        detail=f"{asked}; {left.word}" if left else asked,
        glyph="person",
        href=reverse("admin:ticket", args=[one.ref]),
    )


def waits_proposal(one: Approval, now: datetime) -> Waits:
    """Show a proposal as a thing that waits."""
    ask = "Object?" if one.kind == "veto" else "Approve?"
    left = Moment(now, one.expires_at).ago
    return Waits(
        title=f"{ask} {deed(one.action)}",
        detail=f"{one.ticket_ref}; {one.change_class} change, waits for another {left}",
        glyph="person",
        href=reverse("admin:approval", args=[one.pk]),
    )


def waits_card(one: Card) -> Waits:
    """Show a card that nobody has approved as it is loaded as a thing that waits."""
    return Waits(
        title=f"Approve the card {one.title}?",
        detail=f"{one.name} has changed, and has no runs until somebody has read it",
        glyph="person",
        href=reverse("admin:card", args=[one.name]),
    )


def waits_doubt(one: Action, now: datetime) -> Waits:
    """Show an action in doubt as a thing that waits."""
    return Waits(
        title=f"In doubt: {one.entry or one.verb} on {one.target}",
        detail=f"{one.ticket_ref}; nobody has reported its outcome since "
        f"{Moment(one.decided_at, now).ago} ago",
        glyph="doubt",
        href=reverse("admin:action", args=[one.id]),
    )


def breaker_word() -> str:
    """Return what the fleet's breaker holds back, "" while it is closed."""
    state = autonomy.breaker_state()
    return {"open": "open: no agent changes anything", "half_open": "tries one change"}.get(
        state, ""
    )


def right_facts(rights: runs.Rights, breaker: str = "") -> list[Fact]:
    """Say how far agents may go, and what came of it today."""
    observing = rights.pairs - rights.acting
    today = [
        f"{rights.done} done",
        f"{rights.denied} denied",
        *([f"{rights.failed} failed"] if rights.failed else []),
    ]
    facts = [
        Fact("Acting", f"{rights.acting} of {rights.pairs} pairs of card and playbook"),
        Fact("Observing", str(observing)),
        Fact("Today", ", ".join(today)),
    ]
    if breaker:
        facts.insert(0, Fact("Breaker", breaker, "no"))
    if rights.in_doubt:
        facts.append(Fact("In doubt", count(rights.in_doubt, "action"), "doubt"))
    return facts


def quiet_since(says: str, what: str, at: datetime | None, now: datetime) -> str:
    """Return `says`, and since when; only `says` where there was never anything."""
    if at is None:
        return says
    since = f"{what} {Moment(at, now).ago} ago"
    return f"{says} {since}." if says else since
