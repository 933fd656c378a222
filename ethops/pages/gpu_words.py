"""How the queue is said: what a card does, who asks, lengths, sizes and guesses. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse

from ethops.pages.ledger import short_principal
from ethops.pages.words import NARROW, THIN, Moment, State, listed, number, short_span
from ethops.world.gpu import CardNow
from gpu.models import Card, Job, Slot
from gpu.states import FOREIGN, Doing

UNKNOWN: Final = "unknown"

DOING: Final = {
    Doing.IDLE: State("idle", "quiet", "clock"),
    Doing.LOADING: State("loads", "run", "load"),
    Doing.RUNNING: State("running", "run", "clock"),
    Doing.HELD: State("held by foreign work", "doubt", "foreign"),
    Doing.SICK: State("sick", "no", "failed"),
}


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks: in words, with the page of its ticket or run where it has one."""

    text: str
    href: str
    more: str


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a card in words, and as shares of 100 for a bar."""

    says: str
    ours: int
    strangers: int


@dataclass(frozen=True, slots=True)
class CardShown:
    """One card as a block of facts."""

    name: str
    url: str
    state: State
    since: Moment | None
    slot: str
    model: str
    tier: str
    who: Who | None
    tokens: str
    expected: str
    holds: str
    memory: Memory
    strangers: str
    stranger: bool
    worker: str
    heard: Moment | None


def card_shown(one: CardNow, slots: dict[str, Slot], now: datetime) -> CardShown:
    """Return a card as shown."""
    card = one.card
    busy = one.busy
    return CardShown(
        name=card.name,
        url=card.url,
        state=card_state(one),
        since=Moment(card.doing_since, now) if card.doing_since and one.up else None,
        slot=card.doing_slot if busy else "",
        model=model(card.doing_slot, slots) if busy else "",
        tier=card.doing_tier if busy else "",
        who=who(one.job) if busy and one.job else None,
        tokens=tokens(one.job) if busy and one.job else "",
        expected=left(card, now) if busy else "",
        holds=listed(held(card, one.resident)) or "no model",
        memory=memory(card, one.resident),
        strangers="not to be seen there" if card.serves else strangers(card.strangers_mb),
        stranger=bool(card.strangers_mb),
        worker=card.holder if one.up else "none",
        heard=Moment(card.seen_at, now) if card.seen_at else None,
    )


def card_state(one: CardNow) -> State:
    """Return what a card does, in one word, and why where it is not well."""
    if not one.up:
        return State("no worker", "no", "late", "nobody serves it")
    known = DOING[Doing(one.card.doing)]
    if one.sick:
        return State("sick", "no", "failed", one.card.fault)
    return known


def model(slot: str, slots: dict[str, Slot]) -> str:
    """Return the model of a slot, as people know it."""
    if slot == FOREIGN:
        return "foreign work"
    return plain(slots[slot]) if slot in slots else slot


def plain(slot: Slot) -> str:
    """Return the name of a slot's model, without the tag that every model has."""
    return slot.model.removesuffix(":latest")


def who(job: Job) -> Who:
    """Return who asked for a request: its ticket, its run, or the key."""
    by = short_principal(job.principal)
    if job.ticket_ref:
        return Who(job.ticket_ref, reverse("admin:ticket", args=[job.ticket_ref]), _more(by, job))
    if job.run:
        return Who(by, reverse("admin:run", args=[job.run]), job.label)
    return Who(by or job.client or UNKNOWN, "", job.label)


def _more(by: str, job: Job) -> str:
    return ", ".join(part for part in (by, job.label) if part)


def tokens(job: Job) -> str:
    """Return the size of a request that is being worked on."""
    said = [f"{number(job.tokens_asked)} in"] if job.tokens_asked else []
    said += [f"{number(job.tokens_done)} said before it gave way"] if job.tokens_done else []
    return ", ".join(said)


def left(card: Card, now: datetime) -> str:
    """Return `1.2 s of about 4 s`, as far as the worker's guess goes."""
    if card.doing_since is None:
        return ""
    spent = now - card.doing_since
    if card.free_at is None or card.free_at <= card.doing_since:
        return f"for {short_span(spent)}"
    whole = card.free_at - card.doing_since
    if spent > whole:
        return f"{short_span(spent)}, longer than the {guess(whole.total_seconds())} expected"
    return f"{short_span(spent)} of {about(whole.total_seconds())}"


def held(card: Card, resident: Sequence[Slot]) -> list[str]:
    """Return the models that a card holds, each once, as its server calls them."""
    names = [str(card.serves.get(slot.name, plain(slot))) for slot in resident]
    return list(dict.fromkeys(names))


def memory(card: Card, resident: Sequence[Slot]) -> Memory:
    """Return how full a card is, by what was declared."""
    if card.serves:
        return Memory(says="the server's own", ours=0, strangers=0)
    ours = sum(slot.vram_mb for slot in resident)
    return Memory(
        says=f"{gigabytes(ours)} of {gigabytes(card.vram_mb)}",
        ours=round(100 * min(ours / card.vram_mb, 1)),
        strangers=round(100 * min((card.strangers_mb or 0) / card.vram_mb, 1)),
    )


def strangers(megabytes: int | None) -> str:
    """Return what processes that are not ours take of a card's memory."""
    if megabytes is None:
        return f"{UNKNOWN}: no driver to ask"
    return f"{gigabytes(megabytes)} taken by others" if megabytes else "none"


def gigabytes(megabytes: int) -> str:
    """Return a size: `7.1 GB`, `900 MB`."""
    if megabytes < 1000:
        return f"{megabytes}{NARROW}MB"
    return f"{megabytes / 1024:.1f}{NARROW}GB"


def about(seconds: float) -> str:
    """Return a guess, no finer than it can be: `about 40 s`, `about 4 min`."""
    return f"about {guess(seconds)}"


def guess(seconds: float) -> str:
    """Return a length as roughly as a guess is: `4 s`, `40 s`, `4 min`, `1 h 10`."""
    grain = next((grain for top, grain in ((10, 1), (90, 5), (600, 60)) if seconds < top), 300)
    rounded = max(round(seconds / grain), 1) * grain
    return short_span(timedelta(seconds=rounded)).replace(".0", "")


def length(seconds: float | None) -> str:
    """Return a measured length; `none` where nothing was measured."""
    return "none" if seconds is None else short_span(timedelta(seconds=seconds)).replace(".0", "")


def starts(start_s: float | None) -> str:
    """Return in what time a request begins."""
    if start_s is None:
        return UNKNOWN
    return "now" if start_s < 1 else guess(start_s)


def short_number(value: int) -> str:
    """Return a large number in at most three figures: `820`, `12.4 k`, `1.3 M`."""
    for size, unit in ((1_000_000, "M"), (10_000, "k")):
        if value >= size:
            scaled = value / (1_000_000 if unit == "M" else 1000)
            return f"{scaled:.1f}{THIN}{unit}" if scaled < 100 else f"{scaled:.0f}{THIN}{unit}"
    return number(value)
