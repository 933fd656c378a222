"""Drains the control queue: one handler per kind of work."""

import logging
from collections.abc import Callable, Mapping

from django.db import connection

from audit.work import rows
from audit.work.leases import Keeper
from audit.work.rows import Claimed
from ethops import conf
from ethops.desk import dispatch, elsewhere, events, letters

log = logging.getLogger(__name__)

QUEUE = "control"

HANDLERS: dict[str, Callable[[Claimed], None]] = {
    "intake": lambda work: _take_in(work.payload),
    "dispatch": lambda work: dispatch.consider(work.payload),
}

_keeper: list[Keeper] = []


def drain() -> int:
    """Do what there is until there is none; returns how much that was."""
    done = 0
    lease = float(conf.house().lease_seconds)
    if not _keeper:
        _keeper.append(Keeper(lease))
    while (work := rows.claim(queue=QUEUE, lease_seconds=lease)) is not None:
        with _keeper[0].hold(work.id, work.fence):
            _do(work)
        done += 1
    return done


def _take_in(payload: Mapping[str, object]) -> None:
    """Read what came in from outside: a callback, a letter, or a delivery of alerts."""
    if "callback" in payload:
        elsewhere.heed(int(str(payload["callback"])))
    elif "letter" in payload:
        letters.read(int(str(payload["letter"])))
    else:
        events.read_delivery(int(str(payload["delivery"])))


def _do(work: Claimed) -> None:
    try:
        HANDLERS[work.kind](work)
    except Exception as fault:  # the one boundary of this worker: the work is tried again
        log.exception("%s %s failed", work.kind, work.subject)
        connection.close_if_unusable_or_obsolete()
        # What dies after its last try is given to a person by the reconciler.
        rows.release(work.id, work.fence, f"{type(fault).__name__}: {fault}")
        return
    rows.finish(work.id, work.fence)
