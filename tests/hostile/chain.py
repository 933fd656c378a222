"""The real chain, stage by stage, each under its own role: alert, event, ticket, run, step, gate,
ledger, executor. Only the hands are doubles, and the engine is the one that obeys.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from django.db import connections

from audit.work.leases import Keeper
from ethops.desk import intake, work
from ethops.executor import tickets
from ethops.executor.unsettled import Settlements
from ethops.executor.worker import Worker
from personas.runtime import loop
from tests.hostile import carriers, obedient
from tests.hostile.carriers import CARRIERS, Case
from tests.hostile.hands import Hands
from tests.hostile.house import House

T = TypeVar("T")
MOST_ROUNDS = 40
LEASE_SECONDS = 300
CLASS = "demo_service"


class Role:
    """One thread whose own connection is that of one database role."""

    def __init__(self, house: House, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, f"role-{name}")
        self._house, self._name = house, f"ethops_{name}"
        self.do(self._point)

    def _point(self) -> None:
        wrapper = connections["default"]
        wrapper.settings_dict = {
            **wrapper.settings_dict,
            "NAME": self._house.database,
            "USER": self._name,
            "PASSWORD": self._house.servers.layout.secrets.role_passwords[self._name],
        }

    def do(self, what: Callable[[], T]) -> T:
        """Do it there, and wait."""
        return self._pool.submit(what).result()

    def close(self) -> None:
        """Leave."""
        self.do(connections.close_all)
        self._pool.shutdown()


@dataclass
class Chain:
    """A house whose desk, agent and executor are at work."""

    house: House
    hands: Hands
    roles: dict[str, Role]
    cis: list[str]
    canaries: dict[str, str]
    records: list[str]
    before: list[Any] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    worker: Worker = field(
        default_factory=lambda: Worker(Keeper(LEASE_SECONDS), Settlements(), LEASE_SECONDS)
    )

    def batch(self, cases: list[Case]) -> None:
        """Let these alerts come in, each about a CI of its own, and go on until all is quiet."""
        self._prepare(cases)
        self.cases += cases
        raw = carriers.body(cases)
        self.roles["app"].do(lambda: intake.accept(sender="monitor", raw=raw))
        self.roles["app"].do(work.drain)
        self._find_tickets(cases)
        self._write_elsewhere(cases, after=True)
        for _ in range(MOST_ROUNDS):
            if not self._round():
                break
        self._count(cases)

    def _round(self) -> int:
        """Let everybody do what there is; returns how much that was."""
        done = int(self.roles["agent"].do(loop.drain))
        self.house.record()
        for queue in ("executor.light", "executor.plays"):
            done += int(self.roles["executor"].do(partial(self.worker.drain, queue)))
        self._world_goes_on()
        return done + int(self.roles["app"].do(work.drain))

    def _world_goes_on(self) -> None:
        """What was restarted is well, and what waits for seconds has waited them."""
        for ci in self.hands.repaired:
            self._well(ci, seconds=60)
        self.hands.repaired.clear()
        self.house.do(
            "owner",
            "UPDATE personas_action SET settled_at = settled_at - interval '60 s'"
            " WHERE settled_at > clock_timestamp() - interval '30 s'",
        )
        self.house.do("owner", "UPDATE audit_work SET not_before = now() WHERE state = 'ready'")

    def _well(self, ci: str, *, seconds: int) -> None:
        self.house.do(
            "owner",
            "UPDATE monitoring_alertstate SET last_symptom = 'ok', last_sample_at = now(),"
            " status = 'quiet', good_since = now() - make_interval(secs => %s)"
            " WHERE probe_id = %s",
            seconds, f"probe-{ci}",
        )  # fmt: skip

    # ------------------------------------------------------------ before and after a batch

    def _prepare(self, cases: list[Case]) -> None:
        self.house.an_hour_passes()
        # Tickets of earlier batches are over: nothing new is folded into them.
        self.house.do(
            "owner",
            "UPDATE tickets_ticket SET state = 'closed' WHERE ref <> %s AND state <> 'closed'",
            obedient.OTHER[0],
        )
        for case, ci in zip(cases, self.cis, strict=False):
            case.ci, case.alert = ci, {}
            case.alert = carriers.alert(case)
            self.hands.output.pop(ci, None)
            self._ill(ci, "refused")
            self.house.do("owner", "UPDATE cmdb_ci SET name = %s WHERE ref = %s", ci, ci)
            if case.carrier:
                CARRIERS[case.carrier](case)
        self._write_elsewhere(cases, after=False)

    def _ill(self, ci: str, detail: str) -> None:
        self.house.do(
            "owner",
            "UPDATE monitoring_alertstate SET last_symptom = 'refused', last_sample_at = now(),"
            " status = 'firing', good_since = NULL, description = %s, first_bad_at = now()"
            " WHERE probe_id = %s",
            detail[:300], f"probe-{ci}",
        )  # fmt: skip

    def _write_elsewhere(self, cases: list[Case], *, after: bool) -> None:
        for case in cases:
            write = (_AFTER if after else _BEFORE).get(case.carrier)
            if write is not None:
                write(self, case)

    def _find_tickets(self, cases: list[Case]) -> None:
        for case in cases:
            case.ticket = str(
                self.house.value(
                    "app",
                    "SELECT ticket_ref FROM desk_event WHERE fingerprint = %s"
                    " ORDER BY at DESC LIMIT 1",
                    case.alert["fingerprint"],
                )
                or ""
            )

    def _count(self, cases: list[Case]) -> None:
        for case in cases:
            state = self.house.value(
                "app", "SELECT state FROM tickets_ticket WHERE ref = %s", case.ticket
            )
            self.states[f"{'benign' if case.benign else 'attacked'} {state}"] += 1


def _name(chain: Chain, case: Case) -> None:
    chain.house.do(
        "owner", "UPDATE cmdb_ci SET name = %s WHERE ref = %s", case.text[-120:], case.ci
    )


def _attribute(chain: Chain, case: Case) -> None:
    chain.house.do(
        "owner",
        "UPDATE cmdb_ci SET attributes = attributes || jsonb_build_object('note', %s::text)"
        " WHERE ref = %s",
        case.text[-2_000:], case.ci,
    )  # fmt: skip


def _detail(chain: Chain, case: Case) -> None:
    chain._ill(case.ci, case.text[-300:])


def _output(chain: Chain, case: Case) -> None:
    chain.hands.output[case.ci] = case.text[-2_900:]


def _comment(chain: Chain, case: Case) -> None:
    chain.roles["app"].do(
        lambda: tickets.comment_by_person(
            key=uuid4(), ref=case.ticket, person="guest", text=case.text[-3_000:]
        )
    )


def _earlier(chain: Chain, case: Case) -> None:
    """A run before this one has said it: in the reason of a denial, which quotes what it asked."""
    chain.house.do(
        "owner",
        "INSERT INTO personas_action (run_id, key, principal, ticket_ref, verb, entry, target,"
        " verdict, guard, reason) SELECT id, 'before', 'run:x', ticket_ref, 'playbook.run',"
        " 'restart_service', %s, 'denied', 'scope', %s FROM personas_run WHERE ticket_ref = %s"
        " LIMIT 1",
        case.ci, case.text[-480:], case.ticket,
    )  # fmt: skip


_BEFORE: dict[str, Callable[[Chain, Case], None]] = {
    "name of the CI": _name,
    "attribute of the CI": _attribute,
    "detail of a probe": _detail,
    "output of a playbook": _output,
}
_AFTER: dict[str, Callable[[Chain, Case], None]] = {
    "comment in the ticket": _comment,
    "words of an earlier run": _earlier,
}
