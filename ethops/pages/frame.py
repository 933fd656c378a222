"""What the frame of every page shows: rail, stop, silent processes, the ledger in one word."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from ethops.api.acts import MAY_RESUME
from ethops.pages import ledger_words
from ethops.pages.words import Moment
from ethops.world import house

ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the rail; `thumb` ones form the bar at the foot of a phone."""

    name: str
    href: str
    here: bool
    count: int | None = None
    thumb: bool = False


@dataclass(frozen=True, slots=True)
class StopShown:
    """The stop as the frame shows it."""

    pressed: bool
    by: str
    why: str
    at: Moment


@dataclass(frozen=True, slots=True)
class SilentShown:
    """A process that is not heard."""

    name: str
    since: Moment | None
    effect: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything around a page's own content."""

    rail: list[list[Item]]
    stop: StopShown
    silent: list[SilentShown]
    ledger: ledger_words.LedgerShown
    open_tickets: int
    may_resume: bool
    zone: str = ZONE
    site_name: str = ""


RAIL = (
    (
        ("Now", "index", True),
        ("Tickets", "tickets_ticket_changelist", True),
        ("GPU", "gpu", True),
        ("Ledger", "ledger", True),
    ),
    (
        ("Handover", "handover", False),
        ("Agents", "agents", False),
        ("Queue", "queue", False),
        ("Memory", "memory", False),
        ("Autonomy", "autonomy", False),
        ("Figures", "figures", False),
        ("Runs", "personas_run_changelist", False),
        ("Actions", "personas_action_changelist", False),
        ("Approvals", "approvals_approval_changelist", False),
        ("Pull requests", "pulls", False),
        ("Events", "desk_event_changelist", False),
        ("Cards", "personas_card_changelist", False),
        ("Catalogue", "personas_catalogueentry_changelist", False),
        ("CIs", "cmdb_ci_changelist", False),
        ("Safeguards", "safeguards", False),
    ),
    (("Everything", "everything", True),),
)
"""Groups of (name, page of the admin site, on the phone's bar too)."""

SECTIONS = (
    ("tickets/", "Tickets"),
    ("gpu/", "GPU"),
    ("ledger/", "Ledger"),
    ("audit/entry/", "Ledger"),
    ("handover/", "Handover"),
    ("agents/", "Agents"),
    ("agentops/", "Agents"),
    ("queue/", "Queue"),
    ("memory/", "Memory"),
    ("autonomy/", "Autonomy"),
    ("personas/autonomy/", "Autonomy"),
    ("figures/", "Figures"),
    ("runs/", "Runs"),
    ("personas/run/", "Runs"),
    ("actions/", "Actions"),
    ("personas/action/", "Actions"),
    ("approvals/", "Approvals"),
    ("pulls/", "Pull requests"),
    ("forge/pullrequest/", "Pull requests"),
    ("desk/event/", "Events"),
    ("cards/", "Cards"),
    ("personas/card/", "Cards"),
    ("personas/catalogueentry/", "Catalogue"),
    ("cmdb/ci/", "CIs"),
    ("cmdb/proposal", "CIs"),
    ("safeguards/", "Safeguards"),
    ("compliance/", "Safeguards"),
    ("stop/", ""),
)
"""Start of a path -> the line of the rail it belongs to; anything else is under Everything."""


def frame(request: HttpRequest) -> Frame:
    """Look at the house once for the frame of this page."""
    now = timezone.now()
    seen = house.house()
    return Frame(
        rail=rail(request.path, seen.open_tickets),
        stop=StopShown(seen.stop.stopped, seen.stop.by, seen.stop.why, Moment(seen.stop.at, now)),
        silent=silent_shown(seen.silent, now),
        ledger=ledger_words.shown(seen.ledger, now),
        open_tickets=seen.open_tickets,
        may_resume=request.user.has_perm(MAY_RESUME),
    )


def rail(path: str, open_tickets: int) -> list[list[Item]]:
    """Return the rail with the page we are on marked."""
    here = section(path.removeprefix(reverse("admin:index")))
    return [
        [
            Item(
                name=name,
                href=reverse(f"admin:{page}"),
                here=name == here,
                count=open_tickets if name == "Tickets" else None,
                thumb=thumb,
            )
            for name, page, thumb in group
        ]
        for group in RAIL
    ]


def section(inside: str) -> str:
    """Return the rail's name for a path below the root of the site."""
    if not inside:
        return "Now"
    found = (name for start, name in SECTIONS if inside.startswith(start))
    return next(found, "Everything")


def silent_shown(silent: tuple[house.Silent, ...], now: datetime) -> list[SilentShown]:
    """Return one note per silent process, or one for all where none is heard."""
    if len(silent) >= len(house.WITHOUT):
        effect = "people can read and write tickets; nothing else happens."
        newest = max((one.since for one in silent if one.since), default=None)
        return [SilentShown("every worker", Moment(newest, now) if newest else None, effect)]
    return [
        SilentShown(f"the {one.name}", Moment(one.since, now) if one.since else None, one.effect)
        for one in silent
    ]
