"""Major incidents: declared where a criterion holds, led by a person, told of in time."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from adapters import registry, site
from adapters.site import MajorCriterion, SiteMajor
from adapters.tickets import majors
from adapters.tickets.majors import Major
from adapters.tickets.port import Deed, LogLine, Note, Ticket
from adapters.tickets.states import is_open
from ethops import conf
from ethops.desk import notices, people
from ethops.executor import tickets

NAMESPACE: Final = UUID("5d5e6a7e-2d0a-4f5b-9d7a-6a1f0d4c2e12")
RULE: Final = "major"


def declared() -> SiteMajor:
    """Return what the site file says of major incidents."""
    path = conf.house().site
    try:
        found = path.stat()
    except OSError:
        return SiteMajor()
    return _read(path, (found.st_ino, found.st_size, found.st_ctime_ns))


@lru_cache(maxsize=1)
def _read(path: Path, _as_it_is: tuple[int, ...]) -> SiteMajor:
    value = site.read(path).value
    return value.major if value else SiteMajor()


def fulfilled(
    criteria: Collection[MajorCriterion], *, priority: str, breadth: int, lifelines: Collection[str]
) -> Iterator[str]:
    """Yield each criterion that holds, with the figures that it holds by. Pure."""
    for one in criteria:
        if one.priority is not None and priority > one.priority:
            continue
        if one.breadth is not None and breadth < one.breadth:
            continue
        if one.lifeline and not lifelines:
            continue
        figures = [priority]
        figures += [f"{breadth} CIs"] if one.breadth is not None else []
        figures += [f"lifeline {name}" for name in sorted(lifelines)] if one.lifeline else []
        yield f"{one.name} ({', '.join(figures)})"


def consider(ticket: Ticket) -> Deed | None:
    """Declare an incident a major one where a criterion holds that nobody has looked at yet."""
    root = _root(ticket)
    # What stands under something else still is looked at where that stands.
    if root.parent_ref or not is_open(root.state) or majors.of_ticket(root.ref) is not None:
        return None
    rules = declared()
    family = (root, *_children(root))
    refs = sorted({ref for one in family for ref in one.ci_refs})
    lifelines = [ci.name for ci in registry.reader("cmdb").by_refs(refs) if ci.lifeline]
    why = tuple(
        fulfilled(
            rules.criteria,
            priority=min(one.priority for one in family),
            breadth=len(refs),
            lifelines=lifelines,
        )
    )
    if not why:
        return None
    deed = tickets.declare_major(
        key=uuid5(NAMESPACE, root.ref),
        ref=root.ref,
        criteria=why,
        update_minutes=rules.update_minutes,
        lead="",
        note=Note("", RULE, "rule"),
    )
    _call(root, f"{'; '.join(why)}. It needs a person who leads.")
    return deed


def declare(*, ref: str, person: str, why: str, lead: str, key: UUID) -> Deed:
    """Declare an incident a major one in a person's name, and tell people."""
    deed = tickets.declare_major(
        key=key,
        ref=ref,
        criteria=(why,),
        update_minutes=declared().update_minutes,
        lead=lead,
        note=Note("", person, "person"),
        vouched=people.vouched(person),
    )
    if not deed.repeated:
        _call(registry.reader("tickets").get(ref), f"{why} Led by {lead or 'nobody yet'}.")
    return deed


def watch() -> int:
    """Tell who leads, or everybody, of each that was not spoken of in time; returns how many."""
    told = 0
    now = datetime.now(UTC)
    for one in majors.at_work():
        due = next_update(one, registry.reader("tickets").worklog(one.ref))
        if due > now:
            continue
        late = int((now - due).total_seconds() // 60)
        # Once for each time it becomes due; and again each rhythm that goes by.
        turn = late // one.update_minutes
        ticket = registry.reader("tickets").get(one.ref)
        told += notices.tell(
            rule=RULE,
            key=f"{one.ref}:{due.isoformat()}:{turn}",
            ticket_ref=one.ref,
            title=f"Update of {one.ref} is overdue: {ticket.title}",
            text=(
                f"People are told every {one.update_minutes} minutes how {one.ref} stands; the"
                f" update was due {late} minutes ago. Write a public note into it."
            ),
            pierces=True,
            to=one.lead,
        )
    return told


def next_update(one: Major, lines: Collection[LogLine]) -> datetime:
    """Return when people are to be told next how it stands. Pure."""
    said = [line.at for line in lines if line.author_kind == "person"
            and line.visibility == "public" and line.at > one.declared_at]  # fmt: skip
    return max([one.declared_at, *said]) + timedelta(minutes=one.update_minutes)


def _root(ticket: Ticket) -> Ticket:
    if not ticket.parent_ref:
        return ticket
    parent = registry.reader("tickets").get(ticket.parent_ref)
    return parent if parent.ticket_class == "incident" else ticket


def _children(root: Ticket) -> tuple[Ticket, ...]:
    found = registry.reader("tickets").children(root.ref)
    return tuple(one for one in found if one.ticket_class == "incident" and is_open(one.state))


def _call(ticket: Ticket, said: str) -> None:
    notices.tell(
        rule=RULE,
        key=f"{ticket.ref}:declared:{len(registry.reader('tickets').worklog(ticket.ref))}",
        ticket_ref=ticket.ref,
        title=f"Major incident {ticket.ref}: {ticket.title}",
        text=said,
        pierces=True,
    )
