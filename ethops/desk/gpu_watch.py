"""The desk's watch over the GPU: a real request now and then, and what a person has to know.

A server can answer every question about itself and still load nothing more, so a slot that is
not resident is asked for one token while the card has nothing else to do.
"""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from ethops.desk import dispatch
from ethops.desk.housekeeping import begin_occasion
from gpu import relay, rows
from gpu.models import Card, Job, Piece, Slot
from gpu.rows import Request
from gpu.states import Doing, Ending, JobKind, PieceKind
from gpu.tiers import Tier, queue_name

INTERVAL_SECONDS = 60
PROBE_AFTER = timedelta(minutes=30)
"""So long without a load that succeeded, and the next idle minute is used for one."""
SICK_AFTER = timedelta(minutes=1)
PROBE_SECONDS = 300.0


def watch() -> None:
    """Look once a minute, whoever asks."""
    if not begin_occasion("watch the GPU", INTERVAL_SECONDS):
        return
    now = timezone.now()
    cards = list(Card.objects.filter(enabled=True))
    slots = rows.slots()
    for card in cards:
        _tell_of_card(card, now)
    for slot in slots:
        _tell_of_slot(slot)
    _tell_of_probe(now)
    if cards and not rows.waiting():
        _probe(cards, slots, now)


def _probe(cards: list[Card], slots: list[Slot], now: datetime) -> None:
    """Ask the slot that is resident nowhere for one token, if no load has succeeded for long."""
    resident = {name for card in cards for name in card.resident}
    absent = [slot for slot in slots if slot.kind == "chat" and slot.name not in resident]
    loads = Piece.objects.filter(kind=PieceKind.LOAD, ending=Ending.FINISHED)
    recent = Q(began_at__gt=now - PROBE_AFTER)
    asked = Job.objects.filter(kind=JobKind.PROBE, created_at__gt=now - PROBE_AFTER)
    idle = all(card.doing == Doing.IDLE for card in cards)
    if not absent or not idle or loads.filter(recent).exists() or asked.exists():
        return
    slot = min(absent, key=lambda slot: (slot.load_s, slot.name))
    tier = Tier(slot.tiers[-1])
    job_id = rows.submit(
        Request(
            tier=tier,
            slot=slot.name,
            kind=JobKind.PROBE,
            principal="system",
            body={
                "messages": [{"role": "user", "content": "Say yes."}],
                "think": False,
                "sampling": {"num_predict": 1},
            },
            tokens_asked=8,
            deadline_s=PROBE_SECONDS,
        )
    )
    relay.publish(queue_name(tier, slot.name), job_id)


def _tell_of_card(card: Card, now: datetime) -> None:
    since = card.doing_since or now
    if card.doing == Doing.SICK and now - since > SICK_AFTER:
        dispatch.open_for_person(
            occasion=f"gpu:sick:{card.name}:{since:%Y-%m-%dT%H}",
            title=f"The GPU card {card.name} answers nothing",
            description=f"{card.url}: {card.fault}",
            facts={"card": card.name, "fault": card.fault},
        )
    if card.lease_until is None or card.lease_until < now - SICK_AFTER:
        dispatch.open_for_person(
            occasion=f"gpu:unserved:{card.name}:{now:%Y-%m-%d}",
            title=f"The GPU card {card.name} has no worker",
            description=f"Last heard {card.seen_at or 'never'}; requests for its models wait.",
            facts={"card": card.name},
        )
    if card.doing != Doing.SICK and card.fault:
        dispatch.open_for_person(
            occasion=f"gpu:fault:{card.name}:{now:%Y-%m-%d}",
            title=f"The GPU card {card.name} cannot load a model as it should",
            description=f"{card.url}: {card.fault}",
            facts={"card": card.name, "fault": card.fault},
        )
    if card.strangers_mb is not None and card.strangers_mb > card.reserve_mb:
        dispatch.open_for_person(
            occasion=f"gpu:strangers:{card.name}:{now:%Y-%m-%d}",
            title=f"Somebody else uses the GPU card {card.name}",
            description=(
                f"{card.strangers_mb} MB of its memory are taken by processes that are not ours. "
                "Models may not fit. Let them ask for the card: manage.py gpu run -- COMMAND"
            ),
            facts={"card": card.name, "strangers_mb": card.strangers_mb},
        )


def _tell_of_slot(slot: Slot) -> None:
    if slot.fault:
        dispatch.open_for_person(
            occasion=f"gpu:slot:{slot.name}:{slot.digest[:12]}",
            title=f"The GPU slot {slot.name} is refused",
            description=(
                f"{slot.fault} ({slot.model}). If the new model is meant: "
                f"manage.py gpu unpin {slot.name}"
            ),
            facts={"slot": slot.name, "model": slot.model, "pinned": slot.digest},
        )


def _tell_of_probe(now: datetime) -> None:
    failed = Job.objects.filter(
        kind=JobKind.PROBE, finished_at__gt=now - PROBE_AFTER, id__state__in=["failed", "dead"]
    ).first()
    if failed is not None:
        dispatch.open_for_person(
            occasion=f"gpu:probe:{failed.pk}",
            title=f"The GPU loads no model any more: {failed.slot} gave not one token",
            description=f"{failed.error_code}: its server may be wedged; start it anew.",
            facts={"slot": failed.slot, "code": failed.error_code},
        )
