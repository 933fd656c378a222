"""What the gate's decision costs with eight agents at once, beside a plain insert of the same run.

    python -m tests.bench.gate

Eight agents ask at the same time, each for runs of its own, on a database with the declared cards,
catalogue and rules, and with the recorder at work. They ask for comments, which are permitted; for
comments in others' tickets, which a guard denies; and for playbooks that every guard lets pass and
the level of autonomy holds back, the dearest answer. A decision is the whole call: every guard, the
signature's chain, the action's row, the fact for the recorder, the commit (asynchronous, as agents'
commits are). The plain writers insert one row of the same bytes and commit likewise, in turns with
the agents.

*At the pace of agents*: ten a second each. The target is held against this one, since an agent does
not propose without a pause: between two proposals of its own lie a question and its answer, some
100 ms where a model is quick, and the end of a step and the claim of the next where it is the rule
engine. Eighty a second are far more than a house needs. All kinds together are as many of each.

*Without a pause* each asks anew as soon as it is answered. Then eight are always in the queue for
the cores, and how long one waits is eight decisions shared out among them; so what is shown is how
many are made in a second, and what of a core each costs. The callers' own CPU (they sign) and the
recorder's are part of it. The target of 3 ms would be some 2,700 a second.
"""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import psutil
import psycopg

from ethops.env import CLONE
from tests.bench.figures import Figure, percentile, spread
from tests.bench.path import Asker, asker, step_of
from tests.doubles.agent import propose
from tests.doubles.database import OwnDatabase, own_database

AGENTS = 8
RUNS = 16
"""So many runs has each agent in turn: none gets many times what a run may ask for."""
TURNS = 4
TURN_SECONDS = 3.0
PACE_SECONDS = 0.1
BODY = json.dumps({"verb": "ticket.comment", "target": "INC-1", "text": "x" * 400})


@dataclass
class Waited:
    """Milliseconds that callers waited, and seconds of a core that the servers worked for them."""

    each: list[float] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def cost(self) -> float:
        """Milliseconds of a core for each."""
        return 1000 * self.cpu / len(self.each)

    @property
    def rate(self) -> float:
        """How many a second."""
        return len(self.each) / (TURNS * TURN_SECONDS)


@dataclass(frozen=True, slots=True)
class Agent:
    """One worker: its session, kept from turn to turn as its pool keeps it, and its runs."""

    link: psycopg.Connection
    runs: list[Asker]


Ask = Callable[[psycopg.Connection, Asker], None]


def measure() -> list[Figure]:
    """Return the figures."""
    with own_database() as house:
        subprocess.run(
            [sys.executable, "manage.py", "site", "load", "--json"],
            cwd=CLONE,
            env={**os.environ, **house.layout.environment("owner")},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        house.start("audit.recorder", "recorder")
        return figures(*run(house))


def run(house: OwnDatabase) -> tuple[dict[str, Waited], dict[str, Waited]]:
    """Return what was waited at a pace, and without a pause, by what was asked for, in turns."""
    with ExitStack() as kept:
        agents = _agents(house, kept)
        paced, rushed = ({name: Waited() for name in ASKS} for _ in range(2))
        for ask in (_comment, _play, _insert):
            _turn(house, agents, ask, Waited(), PACE_SECONDS)  # plans, caches
        # Denials last: so many within minutes open the breaker, which answers for every change
        # then.
        for names in (("permitted", "observed", "plain"), ("denied",)):
            for _ in range(TURNS):
                for name in names:
                    _turn(house, agents, ASKS[name], paced[name], PACE_SECONDS)
                for name in names:
                    # Who asks for changes waits for his turn in any case: they are counted.
                    if name != "observed":
                        _turn(house, agents, ASKS[name], rushed[name], 0.0)
    return paced, rushed


def _agents(house: OwnDatabase, kept: ExitStack) -> list[Agent]:
    with house.connect("owner") as owner:
        _furnish(owner)
        runs = [[asker(owner, f"bench-{n + 1}") for _ in range(RUNS)] for n in range(AGENTS)]
    agents = [Agent(kept.enter_context(house.connect("agent")), each) for each in runs]
    for agent in agents:
        agent.link.execute("SET synchronous_commit = off")
    return agents


def _furnish(owner: psycopg.Connection) -> None:
    owner.execute(
        "INSERT INTO public.cmdb_ci (ref, name, ci_class, impact, urgency, source, attributes)"
        " SELECT 'bench-' || n, 'Bench', 'service', 3, 3, 'bench', %s"
        "   FROM generate_series(1, %s) n",
        [json.dumps({"unit": "bench.service"}), AGENTS],
    )
    owner.execute("CREATE TABLE public.bench_plain (id bigserial, body text)")
    owner.execute("GRANT INSERT ON public.bench_plain TO ethops_agent")
    owner.execute("GRANT USAGE ON SEQUENCE public.bench_plain_id_seq TO ethops_agent")


def _turn(house: OwnDatabase, agents: list[Agent], ask: Ask, into: Waited, pace: float) -> None:
    """Let all ask at once for a while."""
    begun = _cpu(house)
    ends = time.monotonic() + TURN_SECONDS

    def work(agent: Agent, late: float) -> None:
        time.sleep(late)
        count = 0
        while time.monotonic() < ends:
            began = time.perf_counter()
            ask(agent.link, agent.runs[count % RUNS])
            took = time.perf_counter() - began
            into.each.append(took * 1000)
            count += 1
            time.sleep(max(0.0, pace - took))

    threads = [
        threading.Thread(target=work, args=[agent, pace * n / AGENTS])
        for n, agent in enumerate(agents)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    into.cpu += _cpu(house) - begun


def _cpu(house: OwnDatabase) -> float:
    """Seconds of a core that the server and the recorder have used, the sessions' ends included."""
    spent = 0.0
    for process in (house.process, *house.children):
        with suppress(psutil.NoSuchProcess):
            server = psutil.Process(process.pid)
            times = server.cpu_times()
            spent += times.user + times.system + times.children_user + times.children_system
            for session in server.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    own = session.cpu_times()
                    spent += own.user + own.system
    return spent


def _comment(link: psycopg.Connection, who: Asker) -> None:
    _expect("authorised", link, who, "ticket.comment", target=who.ticket, args={"text": "x" * 400})


def _elsewhere(link: psycopg.Connection, who: Asker) -> None:
    _expect("denied", link, who, "ticket.comment", target="INC-1", args={"text": "x" * 400})


def _play(link: psycopg.Connection, who: Asker) -> None:
    _expect("observed", link, who, "playbook.run", "restart_service", who.ci)


def _expect(
    verdict: str, link: psycopg.Connection, who: Asker, *asked: str, **more: object
) -> None:
    row = propose(link, step_of(who), secrets.token_hex(8), *asked, **more)  # type: ignore[arg-type]
    assert row["verdict"] == verdict, row


def _insert(link: psycopg.Connection, who: Asker) -> None:
    del who
    link.execute("INSERT INTO public.bench_plain (body) VALUES (%s)", [BODY])


ASKS: dict[str, Ask] = {
    "permitted": _comment, "denied": _elsewhere, "observed": _play, "plain": _insert,
}  # fmt: skip


def figures(paced: dict[str, Waited], rushed: dict[str, Waited]) -> list[Figure]:
    """Return the lines of the table."""
    plain = paced["plain"]
    asked = [paced[name] for name in ("permitted", "denied", "observed")]
    whole = [one for each in asked for one in each.each]
    return [
        Figure(f"gate decision, {AGENTS} agents, 10/s each, all kinds", spread(whole, 2),
               "p50 3 ms"),
        *(
            Figure(f"... {name}",
                   f"{spread(paced[name].each, 2)}; {_ratio(paced[name], plain):.1f}x the plain"
                   " insert's p50")
            for name in ("permitted", "denied", "observed")
        ),
        Figure("... plain insert of the same bytes in the same run", spread(plain.each, 2)),
        *(
            Figure(f"gate decisions, {name}, {AGENTS} agents without a pause",
                   _rushed(rushed[name]))
            for name in ("permitted", "denied")
        ),
        Figure("... plain inserts of the same bytes in the same run", _rushed(rushed["plain"])),
    ]  # fmt: skip


def _ratio(ours: Waited, plain: Waited) -> float:
    return percentile(ours.each, 0.5) / percentile(plain.each, 0.5)


def _rushed(waited: Waited) -> str:
    return (
        f"{waited.rate:.0f}/s, p50 {percentile(waited.each, 0.5):.1f} ms,"
        f" CPU of server and recorder {waited.cost:.2f} ms each"
    )


def main() -> int:
    """Measure alone, without the rest of the bench."""
    for figure in measure():
        target = f"   (target {figure.target})" if figure.target else ""
        sys.stdout.write(f"{figure.what:<66} {figure.found}{target}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
