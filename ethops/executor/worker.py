"""Claims what was authorised and recorded, does it, and says what came of it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from django.db import DatabaseError, Error, connection

from audit.work import rows
from audit.work.leases import Keeper
from ethops.executor import approvals, conf, recorded, rejudged, signatures, stop
from ethops.executor.effects import Finding, FindingKind, Result
from ethops.executor.errors import FailedError, UnsureError
from ethops.executor.registry import effect_of
from ethops.executor.unsettled import Settlement, Settlements, stored
from personas import gate
from personas.gate import Claim, Outcome

log = logging.getLogger(__name__)

MOST_PLAYS: Final = 2
"""Plays at once in one process; each is an ansible of its own."""
FIRST_AGAIN_SECONDS: Final = 5.0
"""After this an effect that is over without an outcome is looked into; then 15 s, then 45 s."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One per process: its leases, outcomes not yet written, and what it is just doing."""

    keeper: Keeper
    settlements: Settlements
    lease_seconds: int
    _acting: set[UUID] = field(default_factory=set)

    def drain(self, queue: str) -> int:
        """Look into what is in doubt, then act until nothing is left; return how much was done."""
        self.settlements.flush()
        while self.look_into_one(queue):
            pass
        done = 0
        while self.act_one(queue):
            done += 1
        return done

    def act_one(self, queue: str) -> bool:
        """Claim one effect and do it; False where there was none, or where the stop is pressed."""
        if stop.by_file():
            return False
        claim = gate.claim_effect(
            queue=queue, holder=rows.holder(), lease_seconds=self.lease_seconds
        )
        if claim is None:
            return False
        with self._holding(claim):
            settlement = _act(claim)
            if settlement is not None:
                self.settlements.settle(settlement, patience_s=self.lease_seconds)
        if settlement is None:
            self._let_go_soon(claim)
        return True

    def look_into_one(self, queue: str) -> bool:
        """Probe the world about one effect in doubt; False where none is due."""
        claim = gate.claim_doubt(
            queue=queue,
            lease_seconds=self.lease_seconds,
            # A database that was away lets leases run out under those who still act, and under
            # outcomes that are known here: a probe would fence the truth out.
            except_ids=[*self._acting, *self.settlements.waiting()],
        )
        if claim is None:
            return False
        finding = _probe(claim)
        stored(partial(_resolve, claim, finding.kind), finding.result, claim.action_id)
        return True

    def _let_go_soon(self, claim: Claim) -> None:
        """Shorten the lease of what is over without an outcome, each time a little less."""
        pause = min(self.lease_seconds, FIRST_AGAIN_SECONDS * 3 ** (claim.attempts - 1))
        try:
            rows.beat(claim.action_id, claim.fence, pause)
        except Error as fault:
            log.warning("lease of %s runs its whole time: %s", claim.action_id, fault)
            connection.close()

    @contextmanager
    def _holding(self, claim: Claim) -> Iterator[None]:
        self._acting.add(claim.action_id)
        try:
            with self.keeper.hold(claim.action_id, claim.fence):
                yield
        finally:
            self._acting.discard(claim.action_id)


_one = threading.Lock()
_workers: list[Worker] = []


def worker() -> Worker:
    """Return this process's one worker."""
    with _one:
        if not _workers:
            lease_seconds = conf.executor().lease_seconds
            _workers.append(Worker(Keeper(lease_seconds), Settlements(), lease_seconds))
        return _workers[0]


_plays = threading.BoundedSemaphore(MOST_PLAYS)
_plays_wanted = threading.Event()


def drain_light() -> None:
    """Do what is quick: ticket writes and notices."""
    worker().drain("executor.light")


def drain_plays() -> None:
    """Run plays, two at a time; a call that finds no room leaves the work to who finishes."""
    _plays_wanted.set()
    while _plays_wanted.is_set() and _plays.acquire(blocking=False):
        try:
            # Before the look, so that a call in between makes us look again.
            _plays_wanted.clear()
            worker().drain("executor.plays")
        finally:
            _plays.release()


def _act(claim: Claim) -> Settlement | None:
    """Do it; None where nobody can tell what came of it, so that its lease runs out into doubt."""
    try:
        signatures.check(claim)
        recorded.check(claim)
        approvals.check(claim)
        rejudged.check(claim)
        stop.check_file()
        result = effect_of(claim.verb).act(claim)
    except FailedError as fault:
        return _settlement(claim, "failed", _refusal(fault))
    except UnsureError as fault:
        log.warning("%s %s: %s", claim.verb, claim.action_id, fault)
        return None
    except Exception:  # anything may happen between us and the world: only the probe can tell
        log.exception("%s %s: nobody knows whether it was done", claim.verb, claim.action_id)
        return None
    return _settlement(claim, "done", result)


def _probe(claim: Claim) -> Finding:
    try:
        return effect_of(claim.verb).probe(claim)
    except FailedError as fault:
        return Finding("unknown", _refusal(fault))
    except DatabaseError:
        raise
    except Exception as fault:  # a probe that breaks must not keep others from being looked into
        log.exception("%s %s: the probe failed", claim.verb, claim.action_id)
        return Finding("unknown", {"said": f"the probe failed: {type(fault).__name__}"})


def _resolve(claim: Claim, finding: FindingKind, result: Result) -> str:
    return gate.resolve_doubt(
        action_id=claim.action_id, fence=claim.fence, finding=finding, result=result
    )


def _settlement(claim: Claim, outcome: Outcome, result: Result) -> Settlement:
    return Settlement(claim.action_id, claim.fence, outcome, result)


def _refusal(fault: FailedError) -> Result:
    return {**fault.result, "said": str(fault), "code": fault.code, "mend": fault.hint}
