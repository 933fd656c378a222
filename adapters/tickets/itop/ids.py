"""The daily look at every ticket of an iTop: what no poll has seen, and what is gone."""

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from adapters.rows import now
from adapters.tickets import deeds, port
from adapters.tickets.itop import absorb, adopt, follow, locks
from adapters.tickets.itop.client import Found
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.session import Session

SHARE: Final = 0.05
FEW: Final = 5
"""So many may be gone, whatever share that is; more than both are a short answer."""
BUDGET_S: Final = 600.0


def sweep(here: Session, began: str) -> tuple[follow.Round, int]:
    """Compare all ids; returns what was done, and how many are missing that are not believed gone.

    What was closed before we `began`, and was never ours, is left where it is.

    Raises:
        ItopError: iTop is away; the next sweep begins anew.
    """
    done, at = follow.began_round(), now()
    done.ends += BUDGET_S - follow.BUDGET_S
    for page in follow.pages(here, "SELECT Ticket", done):
        _seen(page, at)
        ours = _ours(page, at)
        follow.take(here, [one for one in page if _concerns(one, began, ours)], done)
    return done, _missing(here, at) if done.whole else 0


def _seen(page: Iterable[Found], at: datetime) -> None:
    for itop_class in adopt.OURS:
        ids = [one.id for one in page if one.itop_class == itop_class]
        Mirrored.objects.filter(itop_class=itop_class, itop_id__in=ids).update(swept_at=at)


def _ours(page: Iterable[Found], at: datetime) -> set[tuple[str, int | None]]:
    """Return those of a page that were just marked as seen: they are ours already."""
    seen = Mirrored.objects.filter(swept_at=at, itop_id__in=[one.id for one in page])
    return set(seen.values_list("itop_class", "itop_id"))


def _concerns(found: Found, began: str, ours: Container[tuple[str, int | None]]) -> bool:
    """Tell whether a ticket is ours to follow: not one that was over before we came."""
    is_over = found.fields.get("operational_status") == "closed"
    if not is_over or str(found.fields.get("last_update") or "") >= began:
        return True
    return (found.itop_class, found.id) in ours


def _missing(here: Session, at: datetime) -> int:
    """Mark what is gone, once it was asked for by itself; returns how many were too many."""
    ours = Mirrored.objects.filter(gone_at=None).exclude(itop_id=None)
    lost = ours.filter(Q(swept_at=None) | Q(swept_at__lt=at)).exclude(seen_at__gte=at)
    count = lost.count()
    if count > max(FEW, SHARE * ours.count()):
        return count
    for itop_class in adopt.OURS:
        _gone(here, itop_class, lost.filter(itop_class=itop_class), at)
    return 0


def _gone(here: Session, itop_class: str, lost: QuerySet[Mirrored], at: datetime) -> None:
    ids = [one for one in lost.values_list("itop_id", flat=True) if one is not None]
    if not ids:
        return
    listed = ",".join(map(str, ids))
    answer = here.client.get(itop_class, f"SELECT {itop_class} WHERE id IN ({listed})", ("id",))
    there = {one.id for one in answer.objects}
    for ref in lost.exclude(itop_id__in=there).values_list("ticket_id", flat=True):
        _mark(ref, at)


@transaction.atomic
def _mark(ref: str, at: datetime) -> None:
    """Say that iTop has a ticket no more; ours stays as it is, for a person to decide."""
    mirrored = locks.locked(ref)
    if mirrored is None or mirrored.gone_at is not None:
        return
    if mirrored.seen_at is not None and mirrored.seen_at >= at:
        return
    mirrored.gone_at = now()
    mirrored.save()
    ticket = deeds.locked(ref)
    said = f"{mirrored.itop_ref} is no more to be seen in iTop: deleted there, or hidden from us."
    deeds.line(ticket, port.Note(said, absorb.AUTHOR, "rule", "private"))
    absorbed = absorb.Absorbed(ticket.state, ticket.state, (), 1)
    absorb.tell(mirrored, "gone", ticket, absorbed, ticket.assignee)
