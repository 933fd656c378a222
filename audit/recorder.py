"""The recorder: the one process that writes the ledger. It needs no Django.

    DATABASE_URL=... python -m audit.recorder

It reads what waits to be written down, builds the canonical bytes, and calls `audit.record`:
one transaction appends, the next stamps and is the barrier. Two recorders by accident do no
harm: appending takes the fact away in the same transaction.
"""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from audit import processes
from audit.canonical import JSON, body_of
from audit.errors import RecordError
from audit.processes import Link, Process
from audit.rush import LOOKING_SECONDS, Rush
from audit.signatures import holds

BATCH = 256
EPOCH = "ledger.epoch"
POLL_SECONDS = 1.0
"""What nobody called it for is found within this time."""
SHARING_SECONDS = 0.001
"""After a call where several write at once: their facts share one flush. Nothing tells it who is
still to commit, so it is a time."""

READ = (
    "SELECT n, kind, subject, ticket_ref, body::text, at FROM public.audit_pending"
    f" ORDER BY n LIMIT {BATCH}"
)
RECORD = "CALL audit.record(%b::bigint[], %b::bytea[])"

log = logging.getLogger("audit.recorder")


class Fact(NamedTuple):
    """One row that waits to be written down."""

    n: int
    kind: str
    subject: str
    ticket_ref: str
    body: str
    at: datetime


def moment(at: datetime) -> str:
    """Return the one spelling of a time in the ledger: UTC, microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def entry_bytes(origin: str, fact: Fact) -> bytes:
    """Return the canonical bytes of a fact."""
    head: dict[str, JSON] = {
        "v": 1,
        "origin": origin,
        "kind": fact.kind,
        "subject": fact.subject,
        "ticket": fact.ticket_ref,
        "at": moment(fact.at),
    }
    try:
        return body_of(head, _checked(json.loads(fact.body)))
    except (ValueError, RecursionError, RecordError) as fault:
        # Whatever somebody wrote, the ledger goes on: what cannot be read is kept by its digest.
        log.warning("fact %s cannot be read (%s)", fact.n, type(fault).__name__)
        digest = hashlib.sha256(fact.body.encode("utf-8", "replace")).hexdigest()
        return body_of(head, {"unreadable": type(fault).__name__, "text_sha256": digest})


def _checked(body: JSON) -> JSON:
    """Say in a signed fact whether its signature holds: who acts on it refuses what does not.

    It is recorded either way. That somebody signed badly is a fact, and no damage of the ledger.
    """
    signed = body.get("signed") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(signed, Mapping):
        return body
    said = {name: str(signed.get(name)) for name in ("key", "statement", "signature")}
    return {**body, "signed": {**signed, "holds": holds(**said)}}


class Recorder(Process):
    """One connection, one loop: wait for facts, record them, say that it lives."""

    name = "recorder"

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._first = 0
        """The number of the first fact in the last batch; 0 where there was none."""

    def _serve(self, connection: Link) -> None:
        connection.execute("LISTEN ethops_pending")
        # Stamps what a dead recorder left between its two transactions.
        connection.execute(RECORD, ([], []))
        origin, rush = processes.origin(connection), Rush()
        while self._going:
            self._beat(connection)
            before, began = self._first, time.monotonic()
            count = self.record(connection, origin)
            # Only an epoch gives the log another name. What was built under the old one is passed
            # over and comes again: then the name is asked for, and not with every batch.
            if count and self._first == before and (name := processes.origin(connection)) != origin:
                origin = name
                continue
            rush.met(count, began)
            if count < BATCH:
                self._wait(connection, rush, share=count > 1)

    def _wait(self, connection: Link, rush: Rush, *, share: bool) -> None:
        """Return when there may be something to record."""
        if rush.needs_promise(time.monotonic()):
            connection.execute("SELECT audit.look(%s)", [LOOKING_SECONDS])
            rush.promised(time.monotonic())
        pause = rush.pause()
        if pause is not None:
            time.sleep(pause)
            return
        for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass
        if share:
            time.sleep(SHARING_SECONDS)

    def record(self, connection: Link, origin: str) -> int:
        """Record one batch; returns how many facts were in it."""
        with connection.cursor(binary=True) as cursor:
            cursor.execute(READ)
            facts = _of_one_epoch([Fact(*row) for row in cursor.fetchall()])
        self._first = facts[0].n if facts else 0
        if facts:
            numbers = [fact.n for fact in facts]
            bodies = [entry_bytes(origin, fact) for fact in facts]
            connection.execute(RECORD, (numbers, bodies))
        return len(facts)


def _of_one_epoch(facts: Sequence[Fact]) -> Sequence[Fact]:
    # After the entry of a new epoch the log has another name.
    for number, fact in enumerate(facts, start=1):
        if fact.kind == EPOCH:
            return facts[:number]
    return facts


if __name__ == "__main__":
    raise SystemExit(processes.main(Recorder))
