"""What the gate's decision costs with eight agents at once, beside a plain insert of the same run.

    python -m tests.bench.gate

Eight agents ask at the same time, each for its own run: comments, which are permitted, and
playbooks that a guard denies. A decision is the whole call: every guard, the signature's chain,
the action's row, the fact for the recorder, the commit (asynchronous, as agents' commits are).
The plain writers insert one row of the same bytes and commit likewise, in turns with the agents.

First at the pace of agents, who think between two requests: ten a second each, which is more than
any model asks. Then without a pause, where eight of them share the cores and what is measured is
how many decisions the machine makes, and not how long one takes.
"""

import json
import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from tests.bench.figures import Figure, percentile, spread
from tests.bench.path import Asker, asker, step_of
from tests.doubles.agent import propose
from tests.doubles.database import OwnDatabase, own_database

AGENTS = 8
TURNS = 4
TURN_SECONDS = 3.0
PACE_SECONDS = 0.1
BODY = json.dumps({"verb": "ticket.comment", "target": "INC-1", "text": "x" * 400})


def measure() -> list[Figure]:
    """Return the figures."""
    with own_database() as house:
        return figures(*run(house))


@dataclass
class Waited:
    """Milliseconds that callers waited, by what they asked for."""

    permitted: list[float] = field(default_factory=list)
    denied: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)


def run(house: OwnDatabase) -> tuple[Waited, Waited]:
    """Return what was waited at a pace, and without a pause, in turns."""
    with house.connect("owner") as owner:
        askers = [asker(owner) for _ in range(AGENTS)]
        owner.execute("CREATE TABLE public.bench_plain (id bigserial, body text)")
        owner.execute("GRANT INSERT ON public.bench_plain TO ethops_agent")
        owner.execute("GRANT USAGE ON SEQUENCE public.bench_plain_id_seq TO ethops_agent")
    paced, rushed = Waited(), Waited()
    for _ in range(TURNS):
        for waited, pace in ((paced, PACE_SECONDS), (rushed, 0.0)):
            _turn(house, askers, _comment, waited.permitted, pace)
            _turn(house, askers, _play, waited.denied, pace)
            _turn(house, askers, _insert, waited.plain, pace)
    return paced, rushed


Ask = Callable[[psycopg.Connection, Asker], None]


def _turn(
    house: OwnDatabase, askers: list[Asker], ask: Ask, into: list[float], pace: float
) -> None:
    """Let all ask at once for a while."""
    ends = time.monotonic() + TURN_SECONDS

    def agent(who: Asker, late: float) -> None:
        with house.connect("agent") as link:
            link.execute("SET synchronous_commit = off")
            time.sleep(late)
            while time.monotonic() < ends:
                began = time.perf_counter()
                ask(link, who)
                took = time.perf_counter() - began
                into.append(took * 1000)
                time.sleep(max(0.0, pace - took))

    threads = [
        threading.Thread(target=agent, args=[who, pace * n / AGENTS])
        for n, who in enumerate(askers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _comment(link: psycopg.Connection, who: Asker) -> None:
    row = propose(
        link, step_of(who), secrets.token_hex(8), "ticket.comment", target=who.ticket,
        args={"text": "x" * 400},
    )  # fmt: skip
    assert row["verdict"] == "authorised", row


def _play(link: psycopg.Connection, who: Asker) -> None:
    row = propose(link, step_of(who), secrets.token_hex(8), "playbook.run", "restart", "web-01")
    assert row["verdict"] == "denied", row


def _insert(link: psycopg.Connection, who: Asker) -> None:
    del who
    link.execute("INSERT INTO public.bench_plain (body) VALUES (%s)", [BODY])


def figures(paced: Waited, rushed: Waited) -> list[Figure]:
    """Return the lines of the table."""
    ratio = percentile(paced.permitted, 0.5) / percentile(paced.plain, 0.5)
    seconds = TURNS * TURN_SECONDS
    return [
        Figure(f"gate decision, permitted, {AGENTS} agents, 10/s each", spread(paced.permitted, 2),
               "p50 3 ms"),
        Figure(f"gate decision, denied, {AGENTS} agents, 10/s each", spread(paced.denied, 2),
               "p50 3 ms"),
        Figure("plain insert of the same bytes in the same run", spread(paced.plain, 2)),
        Figure("ratio of the two p50 (permitted to plain)", f"{ratio:.1f}"),
        Figure(f"gate decisions without a pause, {AGENTS} agents",
               f"{len(rushed.permitted) / seconds:.0f}/s permitted,"
               f" {len(rushed.denied) / seconds:.0f}/s denied,"
               f" beside {len(rushed.plain) / seconds:.0f}/s plain inserts"),
    ]  # fmt: skip


def main() -> int:
    """Measure alone, without the rest of the bench."""
    for figure in measure():
        target = f"   (target {figure.target})" if figure.target else ""
        sys.stdout.write(f"{figure.what:<66} {figure.found}{target}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
