"""How the worker of a card comes up: its lease first, then its queues, then the server's word."""

import logging
import sys
import threading
from typing import Any

from celery.signals import celeryd_init, worker_ready, worker_shutdown, worker_shutting_down
from django.db import Error, connection
from kombu.asynchronous import get_event_loop

from adapters.inference.errors import ModelServerError
from gpu import celery, conf
from gpu.errors import GpuError
from gpu.models import Card
from gpu.policy.chosen import named
from gpu.states import FOREIGN, Doing
from gpu.tiers import Tier, queue_name
from gpu.worker import current, doors, knowing, messages, residency
from gpu.worker.current import Held
from gpu.worker.lease import Beat, take
from gpu.worker.request import unless_given_back
from gpu.worker.servers import server_of

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
BELIEVED_ROUNDS = 3
"""So many looks long what the server was last seen to hold is believed."""
EXIT_TAKEN = 69

_beats: list[Beat] = []
_consumers: list[Any] = []


@celeryd_init.connect
def begin(**_: object) -> None:
    """Take the card, or end with its reason on standard error."""
    try:
        card = Card.objects.get(name=conf.card(), enabled=True)
        server = server_of(card)
        fence = take(card)
    except Card.DoesNotExist:
        sys.stderr.write(f"no card {conf.card()!r} is declared: see `manage.py gpu cards`\n")
        raise SystemExit(EXIT_TAKEN) from None
    except GpuError as refused:
        sys.stderr.write(f"{refused}. {refused.hint}\n")
        raise SystemExit(EXIT_TAKEN) from refused
    held = Held(
        name=card.name,
        fence=fence,
        server=server,
        policy=named(conf.policy()),
        facts=knowing.facts(card),
        slots=knowing.slots(card.serves),
        clock=knowing.clock(),
        state=knowing.remembered(card),
        serves=card.serves,
    )
    logging.getLogger("celery.app.trace").addFilter(unless_given_back)
    current.serve(held)
    celery.app.conf.task_queues = [celery.queue(name) for name in queues(held)]
    held.first = doors.hold_before(held.name)
    if held.first is not None:
        log.warning("a command has the card %s: its end is waited for", held.name)
        messages.send_to_head(held.first[1], held.first[0])
    _believe(held)
    beat = Beat(held)
    beat.begin()
    _beats.append(beat)
    connection.close()


@worker_ready.connect
def look_around(sender: Any = None, **_: object) -> None:
    """Begin to look at the server and at the catalogue, beside the work."""
    held = current.card()
    if held is None:
        return
    _consumers.append(sender)
    threading.Thread(target=_look, args=(held,), name="look", daemon=True).start()


@worker_shutting_down.connect
def leave(**_: object) -> None:
    """Let the running stream stop between two tokens; its message goes back to the head."""
    held = current.card()
    if held is not None:
        held.leaving = True


@worker_shutdown.connect
def end(**_: object) -> None:
    """Give the card back."""
    for beat in _beats:
        beat.end()
    _beats.clear()


def queues(held: Held) -> list[str]:
    """Return the names of all queues that this card may serve."""
    own = [
        queue_name(Tier(tier), slot.name)
        for slot in held.slots.values()
        for tier in slot.tiers
        if slot.name in held.facts.slots
    ]
    return own + [queue_name(tier, FOREIGN) for tier in Tier if FOREIGN in held.facts.slots]


def _believe(held: Held) -> None:
    try:
        knowing.see_digests(held)
        residency.read(held)
        held.sick = ""
    except ModelServerError as fault:
        if not held.sick:
            log.warning("the card %s is not served: %s", held.name, fault)
        held.sick = str(fault)
        doors.show_card(held.name, held.fence, doing=Doing.SICK, fault=held.sick)


def _look(held: Held) -> None:
    rounds = 0
    while not held.leaving:
        threading.Event().wait(min(LOOK_SECONDS, conf.lease_seconds() / 4))
        rounds += 1
        try:
            knowing.refresh(held)
            _reconcile(held)
            _look_at_the_server(held, rounds)
        except Error as fault:
            log.warning("the card %s could not look around: %s", held.name, fault)
        finally:
            connection.close()


def _look_at_the_server(held: Held, rounds: int) -> None:
    """Between two jobs: is it there, is what it holds still ours, and who else is on the card?"""
    if rounds % BELIEVED_ROUNDS and not held.sick:
        return
    if not held.hands.acquire(blocking=False):
        return
    try:
        was_sick = held.sick
        _believe(held)
        if was_sick and not held.sick:
            log.warning("the card %s is served again", held.name)
            doors.show_card(held.name, held.fence, doing=Doing.IDLE, fault="")
        if not held.sick:
            doors.show_card(held.name, held.fence, strangers_mb=knowing.strangers_mb(held))
    except ModelServerError as fault:
        log.warning("the card %s could not be looked at: %s", held.name, fault)
    finally:
        held.hands.release()


def _reconcile(held: Held) -> None:
    """Consume queues of new slots, and no longer those of slots that are gone."""
    wanted = set(queues(held))
    known = set(celery.app.amqp.queues.consume_from)
    hub = get_event_loop()
    if wanted == known or hub is None:
        return
    consumer = _consumers[0]
    for name in wanted - known:
        hub.call_soon(consumer.add_task_queue, name, name, "direct", name)
    for name in known - wanted:
        hub.call_soon(consumer.cancel_task_queue, name)
