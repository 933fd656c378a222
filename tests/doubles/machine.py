"""All loops of ethops in one process that can be told to die, as by kill -9, at one exact place.

Nothing in the product knows of it: the doors that the loops go through are wrapped from outside.
The process is started by `multiprocessing`'s fork server, so that Django is imported once.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import psycopg
from django.apps import apps

if not apps.ready:
    django.setup()

from django.conf import settings
from django.db import connections

from audit.recorder import Recorder
from ethops.desk import reconciler, sweeps, work
from ethops.executor import worker
from personas import gate
from personas.runtime import loop

LEASE_SECONDS = 2
ROUND_SECONDS = 0.02
LONGEST_SECONDS = 60.0

OPEN = """
SELECT (SELECT count(*) FROM public.audit_pending)
     + (SELECT count(*) FROM public.audit_work WHERE state IN ('waiting', 'ready', 'leased'))
     + (SELECT count(*) FROM public.desk_delivery WHERE state = 'stored')
     + (SELECT count(*) FROM public.personas_run WHERE ended_at IS NULL)
"""
TO_RECORD = "SELECT 1 FROM public.audit_pending WHERE kind = 'action.authorised'"
TO_STEP = (
    "SELECT 1 FROM public.audit_work WHERE kind = 'step' AND state = 'ready'"
    " AND not_before <= clock_timestamp()"
)
TO_CLAIM = "SELECT 1 FROM public.audit_work WHERE kind = 'effect' AND state = 'ready'"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the machine works: one DSN per role, and its folder."""

    dsns: dict[str, str]
    state: Path

    def link(self, role: str) -> psycopg.Connection:
        """A connection of one's own as that role."""
        return psycopg.connect(self.dsns[role], autocommit=True)


@dataclass(frozen=True, slots=True)
class Death:
    """Where to die: before, within or after the nth time that something is done."""

    moment: str
    what: str
    nth: int = 1
    by: signal.Signals = signal.SIGKILL
    """SIGSTOP only freezes it, until somebody lets it go on."""

    def __str__(self) -> str:
        """Read like a sentence, in names of tests."""
        return f"{self.moment} {self.what} {self.nth}"


def run(site: Site, death: Death | None) -> None:
    """Work until nothing is left to do, or until death."""
    settings.ETHOPS_STATE = site.state
    settings.ETHOPS_SITE = site.state / "site.yaml"
    settings.ETHOPS_LEASE_SECONDS = LEASE_SECONDS
    recorder = Recorder(site.dsns["audit_writer"])
    if death is not None:
        _WRAP[death.what](site, death, recorder)
    _work(site, recorder)


def _work(site: Site, recorder: Recorder) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    with site.link("app") as looking, site.link("audit_writer") as writing:
        row = writing.execute("SELECT origin FROM audit.head()").fetchone()
        assert row is not None
        # As the recorder does at its start: stamps what a dead one left between two commits.
        writing.execute("CALL audit.record(%s::bigint[], %s::bytea[])", ([], []))
        while time.monotonic() < deadline:
            as_role(site, "app")
            sweeps.sweep()
            work.drain()
            reconciler.reconcile_once()
            as_role(site, "agent")
            loop.drain()
            while recorder.record(writing, str(row[0])):
                pass
            as_role(site, "executor")
            worker.drain_light()
            worker.drain_plays()
            left = looking.execute(OPEN).fetchone()
            if left == (0,):
                return
            time.sleep(ROUND_SECONDS)
    raise TimeoutError(f"{left} things are still open after {LONGEST_SECONDS} s")


def as_role(site: Site, role: str) -> None:
    """Let Django's own connection be this role from now on."""
    said = psycopg.conninfo.conninfo_to_dict(site.dsns[role])
    connections.close_all()
    connections["default"].settings_dict.update(
        NAME=said["dbname"],
        USER=said["user"],
        PASSWORD=said["password"],
        HOST=said["host"],
        PORT=str(said["port"]),
    )


def _die(by: signal.Signals = signal.SIGKILL) -> None:
    os.kill(os.getpid(), by)


def _die_once(so: Callable[[], bool], by: signal.Signals) -> None:
    while not so():
        time.sleep(0.01)
    _die(by)


def _wrapped(
    death: Death,
    call: Callable[..., Any],
    *,
    counts: Callable[[], bool] = lambda: True,
    into: Callable[[], bool] = lambda: True,
    strict: bool = False,
) -> Callable[..., Any]:
    """Return the call with death before or after it; `counts` tells whether there is work.

    Death within the call comes as soon as `into` says that it is well into it. Where it is
    strict, a call that does not count is left out: it would do uncounted what came since the look.
    """
    seen = 0

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal seen
        here = counts()
        seen += here
        if here and seen == death.nth and death.moment == "before":
            _die(death.by)
        if here and seen == death.nth and death.moment == "within":
            threading.Thread(target=_die_once, args=[into, death.by], daemon=True).start()
        found = call(*args, **kwargs) if here or not strict else None
        if here and seen == death.nth and death.moment == "after":
            _die(death.by)
        return found

    return wrapper


def _wrap_propose(site: Site, death: Death, recorder: Recorder) -> None:
    del site, recorder
    gate.propose = _wrapped(death, gate.propose)


def _wrap_record(site: Site, death: Death, recorder: Recorder) -> None:
    looking = site.link("app")
    there = lambda: looking.execute(TO_RECORD).fetchone() is not None  # noqa: E731
    if death.moment == "within":
        recorder.record = _append_and_die(recorder, there)  # type: ignore[method-assign]
    else:
        recorder.record = _wrapped(death, recorder.record, counts=there)  # type: ignore[method-assign]


def _append_and_die(recorder: Recorder, there: Callable[[], bool]) -> Callable[..., int]:
    """Return a recorder's batch that dies between its two transactions."""
    whole = recorder.record

    class Half:
        """A connection on which the procedure stops after its first commit."""

        def __init__(self, link: psycopg.Connection) -> None:
            self.link = link

        def __getattr__(self, name: str) -> Any:
            return getattr(self.link, name)

        def execute(self, _query: str, parameters: Any = None) -> None:
            self.link.execute("SELECT audit.append(%s::bigint[], %s::bytea[])", parameters)
            _die()

    def record(link: psycopg.Connection, origin: str) -> int:
        return whole(Half(link) if there() else link, origin)  # type: ignore[arg-type]

    return record


def _wrap_claim(site: Site, death: Death, recorder: Recorder) -> None:
    del recorder
    looking = site.link("app")
    gate.claim_effect = _wrapped(
        death,
        gate.claim_effect,
        counts=lambda: looking.execute(TO_CLAIM).fetchone() is not None,
        strict=True,
    )


def _wrap_act(site: Site, death: Death, recorder: Recorder) -> None:
    del recorder
    plays = site.state / "plays"
    begun = lambda: any(plays.glob("*/started"))  # noqa: E731
    worker._act = _wrapped(death, worker._act, into=begun)


def _wrap_settle(site: Site, death: Death, recorder: Recorder) -> None:
    del site, recorder
    gate.settle = _wrapped(death, gate.settle)


def _wrap_step(site: Site, death: Death, recorder: Recorder) -> None:
    del recorder
    looking = site.link("app")
    gate.claim_step = _wrapped(
        death,
        gate.claim_step,
        counts=lambda: looking.execute(TO_STEP).fetchone() is not None,
        strict=True,
    )


def _wrap_finish(site: Site, death: Death, recorder: Recorder) -> None:
    del site, recorder
    gate.finish_step = _wrapped(death, gate.finish_step)


_WRAP: dict[str, Callable[[Site, Death, Recorder], None]] = {
    "step": _wrap_step,
    "finish": _wrap_finish,
    "propose": _wrap_propose,
    "record": _wrap_record,
    "claim": _wrap_claim,
    "act": _wrap_act,
    "settle": _wrap_settle,
}
