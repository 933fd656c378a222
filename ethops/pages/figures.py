"""Figures: how long things took, what held, and what was promised, from what was done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from ethops.figures import report
from ethops.figures.arithmetic import FirstTime, Share, Spread
from ethops.figures.report import Report, Shares
from ethops.pages.words import NARROW, State, count, number, short_span
from ethops.sla.stopwatch import Kind
from ethops.sla.words import NAMES

PERIODS: Final = (7, 30, 90, 365)
DAYS: Final = 30
WIDE: Final = 100
GOOD: Final = 0.95
"""From this share on it is said in green; below nine tenths in red."""
POOR: Final = 0.9


@dataclass(frozen=True, slots=True)
class Answer:
    """One sentence at the head of the page."""

    question: str
    says: str
    detail: str
    tone: str = "run"


@dataclass(frozen=True, slots=True)
class Took:
    """One duration as a line, and as a bar: to its median, and on to nine of ten."""

    name: str
    by: str
    count: str
    median: str
    mean: str
    p90: str
    near: float
    far: float


@dataclass(frozen=True, slots=True)
class Held:
    """One share as a line: each cell as it is, and how many cannot be said yet."""

    name: str
    cells: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class First:
    """One entry of the catalogue as a line."""

    entry: str
    right: str
    state: State
    unknown: str


@require_safe
def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the page; another period than there is to choose is the usual one."""
    said = request.GET.get("days", "")
    days = int(said) if said.isdecimal() and int(said) in PERIODS else DAYS
    found = report.report(days, timezone.now())
    about = {
        **context,
        "title": "Figures",
        "days": days,
        "periods": [(each, each == days) for each in PERIODS],
        "report": found,
        "answers": answers(found),
        "durations": durations(found),
        "held": held(found),
        "entries": [first(one) for one in found.first_time_right],
        "promises": [
            (one.ticket_class, NAMES[cast("Kind", one.kind)], *cell(one.share))
            for one in found.promises
        ],
        "made_of": made_of(found),
    }
    return TemplateResponse(request, "desk/figures.html", about)


def answers(of: Report) -> list[Answer]:
    """Return what is asked most, in a line each."""
    kept = _sum(one.share for one in of.promises)
    return [
        _typical("How fast do agents repair?", of.repair.agent),
        _typical("How fast do people?", of.repair.person),
        _shared("Do changes hold?", of.changes.all, "changes"),
        _shared("Are promises kept?", kept, "promises"),
    ]


def _sum(shares: Iterable[Share]) -> Share:
    found = list(shares)
    return Share(sum(one.good for one in found), sum(one.of for one in found))


def _typical(question: str, of: Spread | None) -> Answer:
    if of is None:
        return Answer(question, "nothing yet", "no repair was seen to its end", "quiet")
    says = length(of.median_s)
    detail = f"median of {count(of.count, 'repair')}, mean {length(of.mean_s)}"
    return Answer(question, says, detail)


def _shared(question: str, of: Share, what: str) -> Answer:
    if of.share is None:
        later = f"; {number(of.too_soon)} too young to say" if of.too_soon else ""
        return Answer(question, "nothing yet", f"no {what} to judge{later}", "quiet")
    tone = "ok" if of.share >= GOOD else "no" if of.share < POOR else "doubt"
    return Answer(question, percent(of), f"{number(of.good)} of {count(of.of, what[:-1])}", tone)


def durations(of: Report) -> list[Took]:
    """Return every duration that there is, as a line."""
    known = [
        ("Detected (MTTD)", "monitoring", of.detect),
        ("Taken (MTTA)", "agents", of.acknowledge.agent),
        ("Taken (MTTA)", "people", of.acknowledge.person),
        ("Repaired (MTTR)", "agents", of.repair.agent),
        ("Repaired (MTTR)", "people", of.repair.person),
        ("Repaired (MTTR)", "both together", of.repair.all),
        ("Well again", "by itself", of.healed_alone),
    ]
    longest = max((one.p90_s for *_, one in known if one is not None), default=0.0)
    return [took(name, by, one, longest) for name, by, one in known if one is not None]


def took(name: str, by: str, of: Spread, longest: float) -> Took:
    """Return one duration as a line."""
    scale = WIDE / longest if longest else 0.0
    return Took(
        name=name,
        by=by,
        count=number(of.count),
        median=length(of.median_s),
        mean=length(of.mean_s),
        p90=length(of.p90_s),
        near=round(of.median_s * scale, 1),
        far=round(of.p90_s * scale, 1),
    )


def held(of: Report) -> list[Held]:
    """Return what held and what did not, by who did it."""
    return [
        _held("Changes that did what they should, and no harm", of.changes, alone=False),
        _held("Resolutions undone within 7 days", of.reopened),
        _held("The same cause again within 7 days", of.came_back),
    ]


def _held(name: str, of: Shares, *, alone: bool = True) -> Held:
    cells = [cell(of.agent), cell(of.person), cell(of.itself) if alone else ("", ""), cell(of.all)]
    return Held(name, cells)


def cell(of: Share) -> tuple[str, str]:
    """Return a share as shown, and of how many nobody can say yet."""
    later = f"{number(of.too_soon)} too young" if of.too_soon else ""
    if not of.of:
        return ("none", later)
    return (f"{number(of.good)} of {number(of.of)}, {percent(of)}", later)


def first(of: FirstTime) -> First:
    """Return an entry as a line."""
    share = Share(of.right, of.of)
    state = State("not judged yet", "quiet", "clock")
    if share.share is not None:
        well = share.share >= POOR
        state = State(percent(share), "ok" if well else "doubt", "tick" if well else "doubt")
    said = f"{number(of.right)} of {number(of.of)}" if of.of else "none"
    return First(of.entry, said, state, f"{number(of.unknown)} unknown" if of.unknown else "")


def made_of(of: Report) -> list[tuple[str, str]]:
    """Return how many of each there were."""
    counts = of.counts
    return [
        ("incidents opened", number(counts.incidents)),
        ("still open", number(counts.open)),
        ("mended by agents", number(counts.by_agent)),
        ("mended by people", number(counts.by_person)),
        ("well by themselves", number(counts.by_itself)),
        ("never taken by anybody", number(counts.untaken)),
        ("resolved, and never seen well", number(counts.unseen)),
        ("changes ended", number(counts.changes)),
    ]


def percent(of: Share) -> str:
    """Return a share as percent, never rounded up."""
    return f"{int(1000 * (of.share or 0.0)) / 10:g}{NARROW}%"


def length(seconds: float) -> str:
    """Return how long, in words of the desk."""
    return short_span(timedelta(seconds=seconds))
