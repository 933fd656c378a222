"""From the recorded intent of a risky effect to the moment at which it may be claimed.

    python -m tests.bench.ledger_witness [--count N]

A whole stack, two witnesses of other administrators as processes on loopback, both asked for. The
executor stands still meanwhile, so that nobody takes what is measured.
"""

import argparse
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.bench.figures import Figure, spread
from tests.bench.stack import Stack, folder
from tests.doubles.witness import Process

COUNT = 100
PATIENCE_SECONDS = 10.0
PACE_SECONDS = 0.05
QUEUE = "executor.light"


def measure(stack: Stack, folder: Path, *, count: int) -> list[Figure]:
    """Measure with two witnesses, and the same with a quorum of none."""
    with _witnessed(stack, folder), stack.connect("owner") as owner:
        _ask_for(owner, 2)
        _one(stack, owner)  # connections, caches
        waited = [_one(stack, owner) for _ in range(count)]
    return [
        Figure(
            f"recorded to claimable, a quorum of 2 witnesses on loopback ({count} effects)",
            spread(waited),
            "p50 60 ms",
        )
    ]


@contextmanager
def _witnessed(stack: Stack, folder: Path) -> Iterator[None]:
    executor = stack.process("executor")
    executor.send_signal(signal.SIGSTOP)
    with stack.connect("owner") as owner:
        key = _wait(lambda: owner.execute("SELECT vkey FROM audit_logkey").fetchone())
        made = []
        for name in ("host/w1", "host/w2"):
            state = folder / name.replace("/", "-") / "state.json"
            state.parent.mkdir()
            made.append(Process(state, [str(key[0])], name).start())
            owner.execute(
                "INSERT INTO audit_witness (name, vkey, url, administrator)"
                " VALUES (%s, %s, %s, %s)",
                [name, made[-1].vkey, made[-1].url, name],
            )
    try:
        yield
    finally:
        executor.send_signal(signal.SIGCONT)
        for process in made:
            process.close()


def _ask_for(owner: psycopg.Connection, quorum: int) -> None:
    owner.execute("UPDATE audit_witnessing SET quorum = %s, administrator = 'us'", [quorum])
    _wait(lambda: owner.execute("SELECT 1 WHERE audit.witnessed_size() > 0").fetchone())


def _one(stack: Stack, owner: psycopg.Connection) -> float:
    """Milliseconds from the notice that it is recorded to the one that it may go."""
    time.sleep(PACE_SECONDS)
    with stack.connect("app") as heard:
        heard.execute("LISTEN ethops_ready")
        action = _ordered(owner)
        recorded = _heard(heard)
        while not owner.execute(
            "SELECT 1 FROM audit_work WHERE id = %s AND entry_seq <= audit.witnessed_size()",
            [action],
        ).fetchone():
            _heard(heard)
        took = (time.perf_counter() - recorded) * 1000
    with stack.connect("executor") as executor:
        claimed = executor.execute(
            "SELECT action_id FROM gate.claim_effect(%s, 'bench', 60)", [QUEUE]
        ).fetchone()
    assert claimed is not None
    assert claimed[0] == action
    owner.execute(
        "UPDATE audit_work SET state = 'done', lease_until = NULL WHERE id = %s", [action]
    )
    return took


def _ordered(owner: psycopg.Connection) -> uuid.UUID:
    """Put an effect of a kind that nobody knows to be harmless into the row protocol."""
    action = uuid.uuid4()
    with owner.transaction():
        owner.execute(
            "INSERT INTO audit_work (id, kind, queue, state, subject, priority, expires_at)"
            " VALUES (%s, 'effect', %s, 'waiting', 'bench', 0, now() + interval '1 hour')",
            [action, QUEUE],
        )
        owner.execute(
            "INSERT INTO personas_action (id, key, principal, ticket_ref, verb, target, args,"
            " level, verdict, work_id) VALUES (%(id)s, %(id)s, 'rule:bench', '', 'bench.risky',"
            " '', '{}', 'act', 'authorised', %(id)s)",
            {"id": action},
        )
        owner.execute(
            "SELECT audit.put_pending('action.authorised', %s, '', '{}', %s)",
            [str(action), action],
        )
    return action


def _heard(link: psycopg.Connection) -> float:
    for _ in link.notifies(timeout=PATIENCE_SECONDS, stop_after=1):
        return time.perf_counter()
    raise TimeoutError("nothing became ready")


def _wait(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError("waited in vain")
        time.sleep(0.02)
    return value


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    said = parser.parse_args()
    with folder() as stack:
        stack.manage("up", "--detach")
        for figure in measure(stack, stack.layout.state, count=said.count):
            sys.stdout.write(f"{figure.what:<66} {figure.found}   (target {figure.target})\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
