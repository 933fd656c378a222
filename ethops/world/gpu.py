"""The GPU as people see it: its cards, what waits for them and until when, and whose keys wait."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from gpu import quoting
from gpu.models import Card, Client, Job, Slot
from gpu.quoting import Quote
from gpu.states import Doing

WAITING = ("waiting", "ready")
"""States of the work of a request that has not begun, or that was interrupted."""
OPEN = (*WAITING, "leased")

BUSY_SECONDS = 2
IDLE_SECONDS = 10
"""How old what a page says may be, where the card works and where it rests."""


@dataclass(frozen=True, slots=True)
class CardNow:
    """One card: whether its worker holds it, what it does, for which request, and what it holds."""

    card: Card
    up: bool
    job: Job | None
    resident: tuple[Slot, ...]

    @property
    def busy(self) -> bool:
        """True while something is on it."""
        return self.up and self.card.doing not in (Doing.IDLE, Doing.SICK)

    @property
    def sick(self) -> bool:
        """True while its worker lives and its server does not answer as it should."""
        return self.up and (self.card.doing == Doing.SICK or bool(self.card.fault))


@dataclass(frozen=True, slots=True)
class Waits:
    """One request that waits, with what it may expect; `quote` is None where it has just begun."""

    job: Job
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class KeyNow:
    """One key, and how many of its requests are not over."""

    key: Client
    open: int


def cards() -> list[CardNow]:
    """Return the cards in use, in the order of their file."""
    found = list(Card.objects.filter(enabled=True))
    if not found:
        return []
    now = timezone.now()
    at_work = {job.pk: job for job in jobs().filter(pk__in=[c.doing_job for c in found])}
    known = {slot.name: slot for slot in Slot.objects.all()}
    return [
        CardNow(
            card=one,
            up=one.lease_until is not None and one.lease_until > now,
            job=at_work.get(one.doing_job) if one.doing_job else None,
            resident=tuple(known[name] for name in one.resident if name in known),
        )
        for one in found
    ]


def slots() -> list[Slot]:
    """Return the slots in use, by name."""
    return list(Slot.objects.filter(enabled=True).order_by("name"))


def jobs() -> QuerySet[Job]:
    """Return requests, newest first, with their work."""
    return Job.objects.select_related("id").order_by("-created_at", "-pk")


def job(job_id: UUID) -> Job | None:
    """Return one request."""
    return jobs().filter(pk=job_id).first()


def queue() -> list[Waits]:
    """Return what waits, the next one first."""
    quotes = {quote.job_id: quote for quote in quoting.quotes()}
    rows = jobs().filter(id__kind="inference", id__state__in=WAITING)
    waiting = [Waits(one, quotes.get(one.pk)) for one in rows.defer("request", "partial", "answer")]
    last = len(quotes) + 1
    return sorted(waiting, key=lambda w: (w.quote.position if w.quote else last, w.job.created_at))


def all_keys() -> list[KeyNow]:
    """Return the keys of people and programs, those in use first."""
    open_now = dict(
        Job.objects.filter(finished_at=None, id__state__in=OPEN)
        .exclude(client="")
        .values_list("client")
        .annotate(n=Count("pk"))
    )
    found = Client.objects.order_by("-enabled", "name")
    return [KeyNow(key, open_now.get(key.name, 0)) for key in found]


_NEWEST = """
    SELECT (SELECT max(id) FROM gpu_piece),
           (SELECT string_agg(concat_ws('|', name, enabled, fence, doing, doing_job, doing_since,
                                        fault, strangers_mb, resident, free_at, url,
                                        lease_until > clock_timestamp()), ',' ORDER BY name)
              FROM gpu_card),
           (SELECT string_agg(concat_ws('|', name, enabled, fault, digest), ',' ORDER BY name)
              FROM gpu_slot),
           (SELECT count(*) FROM gpu_client WHERE enabled),
           EXISTS (SELECT 1 FROM gpu_card WHERE enabled AND doing NOT IN ('idle', 'sick')
                      AND lease_until > clock_timestamp())
"""


def newest() -> tuple[object, ...]:
    """Return what differs whenever a card, a slot or the timeline changed, or time has passed."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST)
        *rows, busy = cursor.fetchone()
    grain = BUSY_SECONDS if busy else IDLE_SECONDS
    return (*rows, int(timezone.now().timestamp()) // grain)
