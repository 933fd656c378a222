"""Foreign work: the card is empty and somebody's command has it, until it gives it back."""

import logging
import time
from dataclasses import dataclass

from django.db import Error, connection

from gpu import conf
from gpu.states import Doing, Ending, PieceKind
from gpu.worker import doors
from gpu.worker.current import Held
from gpu.worker.doors import Claim
from gpu.worker.watch import Watch

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class End:
    """How foreign work ended; `exit` is the command's own, where it was heard."""

    ending: Ending
    code: str = ""
    error: str = ""
    exit: int | None = None


def run(held: Held, claim: Claim, watch: Watch) -> bool:
    """Hold the card for a command; False where the worker leaves before the command has ended."""
    began = time.monotonic()
    doors.show_card(held.name, held.fence, doing=Doing.HELD, resident=[])
    end = _wait(held, claim, watch)
    busy = time.monotonic() - began
    doors.note_piece(
        held.name,
        held.fence,
        kind=PieceKind.HOLD,
        tier=claim.tier,
        slot=claim.slot,
        job=claim.id,
        seconds=busy,
        ending=Ending.PREEMPTED if end is None else end.ending,
    )
    if end is None:
        doors.leave_hold(claim)
        return False
    doors.finish_job(
        claim,
        end.ending,
        answer={"exit": end.exit},
        code=end.code,
        error=end.error,
        busy_s=busy,
    )
    return True


def _wait(held: Held, claim: Claim, watch: Watch) -> End | None:
    asked_back, deaf_until = False, 0.0
    preemptible = bool(claim.request.get("preemptible"))
    while not held.leaving:
        now = time.monotonic()
        try:
            end = _heard(claim, deaf=now < deaf_until)
            if end is not None:
                return end
            late = now > claim.deadline
            if not asked_back and (late or (preemptible and watch.stop())):
                doors.ask_back(claim.id)
                asked_back = True
        except Error as fault:
            # Who could not be heard is not silent: the command goes on meanwhile.
            log.warning("the command of %s cannot be heard: %s", claim.principal, fault)
            connection.close()
            deaf_until = time.monotonic() + conf.lease_seconds()
        time.sleep(LOOK_SECONDS)
    return None


def _heard(claim: Claim, *, deaf: bool) -> End | None:
    heard = doors.foreign_look(claim.id)
    if heard.exit is not None:
        words = f"the command ended with {heard.exit}"
        if heard.exit == 0:
            return End(Ending.FINISHED, "", words, 0)
        return End(Ending.FAILED, "gpu.command_failed", words, heard.exit)
    # So long as a worker may be silent, a command's keeper may be, too.
    if heard.silent_s > conf.lease_seconds() and not deaf:
        log.warning("the command of %s is not heard any more", claim.principal)
        return End(Ending.FAILED, "gpu.command_silent", "its keeper is not heard")
    return None
