"""GPU: what the cards do now, who waits until when, how their time went, and the figures of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from ethops.pages import gpu_timeline
from ethops.pages import live as live_parts
from ethops.pages.gpu_window import Window, window
from ethops.pages.gpu_words import (
    UNKNOWN,
    Who,
    card_shown,
    gigabytes,
    guess,
    left,
    length,
    model,
    plain,
    short_number,
    starts,
    who,
)
from ethops.pages.now import Answer
from ethops.pages.words import NARROW, Moment, State, count, listed
from ethops.world import gpu, gpu_figures
from ethops.world.gpu import CardNow, Waits
from ethops.world.gpu_figures import Figures, QuoteError
from gpu import conf
from gpu.models import Slot
from gpu.states import Doing
from gpu.tiers import TIERS, Tier

SHOWN = 8
MOST = 40
LINE_STEPS = 48


@dataclass(frozen=True, slots=True)
class Queued:
    """Requests that wait one behind the other for the same asker, as a line."""

    place: str
    requests: str
    tier: str
    model: str
    who: Who
    since: Moment
    starts: str
    give_or_take: str
    ends: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure for each tier; `tone` where one of them wants to be seen."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlotShown:
    """One slot as a line."""

    name: str
    model: str
    kind: str
    tiers: str
    memory: str
    context: str
    load: str
    speed: str
    state: State


@require_safe
def shown(request: HttpRequest, context: dict[str, Any]) -> TemplateResponse:
    """Draw the page."""
    now = timezone.now()
    asked = window(request.GET, now)
    tag = live_parts.tag(request, _about(asked))
    said = content(asked, now)
    page = {**context, **said, "title": "GPU", "live": bool(said["cards"]), "tag": tag}
    return TemplateResponse(request, "desk/gpu.html", page)


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Draw the parts that keep themselves fresh."""
    now = timezone.now()
    asked = window(request.GET, now)
    return live_parts.part(
        request, "desk/gpu_live.html", _about(asked), lambda: content(asked, now)
    )


def _about(asked: Window) -> str:
    return f"gpu {asked.query} {gpu.newest()}"


def content(asked: Window, now: datetime) -> dict[str, Any]:
    """Collect everything the page says; the number of queries does not grow with what waits."""
    cards, queue = gpu.cards(), gpu.queue()
    slots = {slot.name: slot for slot in gpu.slots()}
    figures = gpu_figures.figures(asked.first, asked.last)
    lines = [queued(some, slots, figures, now) for some in neighbours(queue)]
    answers = [
        card_answer(cards, slots, now),
        ops_answer(figures, asked),
        swaps_answer(figures),
        waiting_answer(figures),
    ]
    return {
        "now": Moment(now, now),
        "window": asked,
        "cards": [card_shown(one, slots, now) for one in cards],
        "declared_in": str(conf.cards_file()),
        "answers": answers,
        "say": f"On the card: {answers[0].says}. Waiting: {answers[3].says}",
        "faults": [slot for slot in slots.values() if slot.fault],
        "queue": lines[:SHOWN],
        "queue_rest": lines[SHOWN:MOST],
        "queue_beyond": max(len(lines) - MOST, 0),
        "quotes_said": quotes_said(figures.quoted, asked),
        "tiers": [str(tier) for tier in TIERS],
        "measures": measures(figures),
        "span_said": span_said(asked),
        "slots": [slot_shown(slot, cards) for slot in slots.values()],
        "lines": gpu_timeline.line_rows(gpu_figures.lines(asked.first, asked.last, LINE_STEPS)),
        **gpu_timeline.content(asked, cards, now),
    }


def card_answer(cards: Sequence[CardNow], slots: Mapping[str, Slot], now: datetime) -> Answer:
    """Answer what is on the card; of several cards, how many are at work."""
    question = "On the card now" if len(cards) < 2 else "On the cards now"
    ill = [one for one in cards if one.sick or not one.up]
    tone = "no" if ill else "run" if any(one.busy for one in cards) else "quiet"
    if len(cards) != 1:
        at_work = [one for one in cards if one.busy]
        each = listed([f"{one.card.name} {_doing(one)}" for one in cards])
        says = f"{len(at_work)} of {len(cards)} at work"
        return Answer(question, says, each, tone, "#cards")
    (one,) = cards
    if not one.up:
        seen = one.card.seen_at
        detail = f"last heard {Moment(seen, now).ago} ago" if seen else "none has come yet"
        return Answer(question, "No worker", detail, "no", "#cards")
    if one.sick:
        return Answer(question, "Sick", one.card.fault or "its server fails", "no", "#cards")
    if not one.busy:
        since = one.card.doing_since
        detail = f"idle for {Moment(since, now).ago}" if since else "idle"
        return Answer(question, "Nothing", detail, "quiet", "#cards")
    asker = [who(one.job).text] if one.job else []
    detail = ", ".join([one.card.doing_tier, *asker, left(one.card, now)])
    says = model(one.card.doing_slot, dict(slots))
    loads = one.card.doing == Doing.LOADING
    return Answer(question, f"Loads {says}" if loads else says, detail, tone, "#cards")


def _doing(one: CardNow) -> str:
    if not one.up:
        return "has no worker"
    if one.sick:
        return "is sick"
    if one.card.doing == Doing.HELD:
        return "is held by foreign work"
    verb = "loads" if one.card.doing == Doing.LOADING else "runs"
    return f"{verb} {one.card.doing_slot}" if one.busy else "is idle"


def ops_answer(figures: Figures, asked: Window) -> Answer:
    """Answer how long operations waited."""
    ops = figures.tiers[Tier.OPS]
    question = f"Ops wait, {span_said(asked)}"
    if not ops.waited:
        return Answer(question, "None", "no request of operations ended", "quiet", "#tiers")
    detail = f"half of them at most {length(ops.wait_p50)}, the longest {length(ops.wait_max)}"
    return Answer(question, f"p95 {length(ops.wait_p95)}", detail, "quiet", "#tiers")


def swaps_answer(figures: Figures) -> Answer:
    """Answer how often a model had to be changed."""
    swaps = figures.swaps_per_100
    if swaps is None:
        return Answer("Swaps per 100 requests", "None", "no request ended", "quiet", "#time")
    detail = f"{count(figures.loads, 'load')} for {count(figures.ended, 'request')}"
    return Answer("Swaps per 100 requests", f"{swaps:.3g}", detail, "quiet", "#time")


def waiting_answer(figures: Figures) -> Answer:
    """Answer how much waits, by tier."""
    each = [figures.tiers[tier].open for tier in TIERS]
    if not any(each):
        return Answer(
            "Waiting", "Nothing", "every request is answered or on a card", "ok", "#queue"
        )
    oldest = max(one.oldest or 0.0 for one in figures.tiers.values())
    detail = f"{' + '.join(TIERS)}; the oldest for {guess(oldest)}"
    return Answer("Waiting", " + ".join(map(str, each)), detail, "quiet", "#queue")


def queued(
    some: Sequence[Waits], slots: Mapping[str, Slot], figures: Figures, now: datetime
) -> Queued:
    """Return neighbours of the queue as a line: the first one's start, the last one's end."""
    first, last = some[0], some[-1]
    tier = Tier(first.job.tier)
    error = figures.quotes.get(tier)
    off = error.off_s if error else None
    start = first.quote.start_s if first.quote else None
    end = last.quote.end_s if last.quote else None
    return Queued(
        place=f"{_place(first)}" if len(some) == 1 else f"{_place(first)}\u2013{_place(last)}",
        requests=count(len(some), "request") if len(some) > 1 else "",
        tier=tier,
        model=model(first.job.slot, dict(slots)),
        who=who(first.job),
        since=Moment(min(one.job.created_at for one in some), now),
        starts=starts(start),
        give_or_take=f"±{NARROW}{guess(off)}" if off and start and start >= 1 else "",
        ends=UNKNOWN if end is None else guess(end),
    )


def neighbours(queue: Sequence[Waits]) -> list[list[Waits]]:
    """Return the queue in runs of the same tier, slot and asker."""
    asker = groupby(
        queue,
        lambda one: (one.job.tier, one.job.slot, one.job.principal, one.job.ticket_ref),
    )
    return [list(some) for _, some in asker]


def _place(one: Waits) -> int:
    return one.quote.position if one.quote else 0


def quotes_said(error: QuoteError | None, asked: Window) -> str:
    """Say how far the quotes of the past were off."""
    if error is None:
        return "No quote has come due yet, so nothing is known of their error."
    side = "later" if error.late_s >= 0 else "earlier"
    return (
        f"{count(error.quotes, 'quote')} of the {span_said(asked)} came due: half of the requests"
        f" began within {length(error.off_s)} of theirs, on average"
        f" {length(abs(error.late_s))} {side} than said."
    )


def measures(figures: Figures) -> list[Measure]:
    """Return the figures by tier, one line each."""
    tiers = [figures.tiers[tier] for tier in TIERS]
    quotes = [figures.quotes.get(tier) for tier in TIERS]
    return [
        Measure("Requests ended", tuple(str(one.ended) for one in tiers)),
        Measure("Answered", tuple(str(one.done) for one in tiers)),
        Measure("Wait, half within", tuple(length(one.wait_p50) for one in tiers)),
        Measure("Wait, 95 of 100 within", tuple(length(one.wait_p95) for one in tiers)),
        Measure("Longest wait", tuple(length(one.wait_max) for one in tiers)),
        Measure("Waiting now", tuple(str(one.open) for one in tiers)),
        Measure("Oldest of them", tuple(length(one.oldest) for one in tiers)),
        Measure("Needed a load", tuple(str(one.swapped) for one in tiers)),
        Measure("Gave way", tuple(str(one.preemptions) for one in tiers)),
        Measure("Tokens in", tuple(short_number(one.tokens_in) for one in tiers)),
        Measure("Tokens out", tuple(short_number(one.tokens_out) for one in tiers)),
        Measure("Quotes off by (median)", tuple(length(q.off_s if q else None) for q in quotes)),
        Measure("On average", tuple(_late(q) for q in quotes)),
    ]


def _late(error: QuoteError | None) -> str:
    if error is None:
        return length(None)
    return f"{length(abs(error.late_s))} {'late' if error.late_s >= 0 else 'early'}"


def slot_shown(slot: Slot, cards: Sequence[CardNow]) -> SlotShown:
    """Return a slot as a line; what was measured stands in the place of what was declared."""
    holders = [one.card.name for one in cards if slot in one.resident]
    return SlotShown(
        name=slot.name,
        model=plain(slot),
        kind=slot.kind,
        tiers=", ".join(slot.tiers),
        memory=gigabytes(slot.vram_mb),
        context=short_number(slot.context),
        load=_measured(slot.measured_load_s, slot.load_s, "s"),
        speed=""
        if slot.kind == "embed"
        else _measured(slot.measured_tokens_per_s, slot.tokens_per_s, "tokens/s"),
        state=State("not used", "no", "failed")
        if slot.fault
        else State(f"on {listed(holders)}", "ok", "tick")
        if holders
        else State("not loaded", "quiet", ""),
    )


def _measured(measured: float | None, declared: float, unit: str) -> str:
    value, word = (declared, " declared") if measured is None else (measured, "")
    return f"{value:.2g}{NARROW}{unit}{word}"


def span_said(asked: Window) -> str:
    """Return `last 4 hours`, or `these 4 hours` where they are over."""
    whole = asked.last - asked.first
    hours = whole / timedelta(hours=1)
    text = f"{hours:.3g} hours" if hours != 1 else "hour"
    return f"{'last' if asked.live else 'these' if hours != 1 else 'this'} {text}"
