"""The reconciler: frees what dead workers held and gives to people what cannot go on."""

import logging
import threading
import time

import psutil
from django.db import DatabaseError, connection, transaction

from adapters.errors import AdapterError
from audit.work import rows
from ethops.desk import dispatch, holders
from personas import controls, gate
from personas.approvals import doors as approvals

PERIOD_SECONDS = 1.0

log = logging.getLogger(__name__)


def run(stop: threading.Event) -> None:
    """Reconcile every second until `stop` is set; the caller runs it again after an error."""
    looked_at = 0.0
    try:
        while not stop.wait(PERIOD_SECONDS):
            # First, since what follows may have to wait for what somebody holds.
            if time.monotonic() - looked_at >= holders.INTERVAL_SECONDS:
                looked_at = time.monotonic()
                holders.end_holders()
            reconcile_once()
    finally:
        connection.close()


def reconcile_once() -> int:
    """Reconcile; returns how many work items were moved."""
    _free_the_dead()
    moved = gate.reconcile()
    for work in moved:
        log.info("%s %s is now %s: %s", work.kind, work.subject, work.state, work.error)
        if work.state == "dead":
            _report(work)
    approvals.sweep()
    for permit in gate.overdue():
        _abandon(permit)
    return len(moved)


def _free_the_dead() -> None:
    """Let no step wait for the lease of a process of this host that is gone."""
    machine = rows.holder().rpartition(":")[0]
    for held in controls.held_steps():
        host, _, pid = held.holder.rpartition(":")
        if host == machine and pid.isdecimal() and not psutil.pid_exists(int(pid)):
            log.info("step %s: its worker %s is gone", held.work_id, held.holder)
            controls.holder_died(held)


def _abandon(permit: gate.Overdue) -> None:
    """Give a permit that nobody settled in time to a person; on record with the ticket or not."""
    try:
        with transaction.atomic():
            if not gate.abandon(permit.id):
                return
            dispatch.open_for_person(
                occasion=f"abandoned:{permit.id}",
                title=f"Nobody has said what came of it: {permit.sentence}"[:200],
                description=(
                    f"The permit for {permit.ticket_ref or 'a rule'} is past its deadline, its work"
                    f" is {permit.state}. Look, then say"
                    f" `manage.py personas settle {permit.id} done|failed --why TEXT`."
                ),
                facts={"action": str(permit.id), "state": permit.state},
            )
    except (DatabaseError, AdapterError) as fault:
        log.warning("permit %s could not be given to a person: %s", permit.id, fault)


def _report(work: gate.Reconciled) -> None:
    """Give dead work to a person; what fails here is tried again with the next round."""
    try:
        with transaction.atomic():
            dispatch.open_for_person(
                occasion=f"dead:{work.id}",
                title=f"Work of kind {work.kind} failed three times",
                description=f"Subject {work.subject}. Last error: {work.error}",
                facts={"work": str(work.id), "kind": work.kind},
            )
            rows.reported(work.id)
    except (DatabaseError, AdapterError) as fault:
        log.warning("dead work %s could not be given to a person: %s", work.id, fault)
