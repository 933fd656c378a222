"""A person takes a ticket while its run is at whatever step: nothing is done for it afterwards.

Each step is held still at one exact place (or goes on, where a play runs), the person takes the
ticket, and then everything may go on for as long as there is something to do.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from uuid import UUID, uuid4

import psutil
import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from ethops.executor import marks
from personas.states import LIVE
from tests.chaos.machines import (
    OBSERVED_CI,
    REPAIRED_CI,
    Scene,
    forkserver,
    loaded,
    person,
    sink,
    stage,
    state,
)
from tests.doubles import machine
from tests.doubles.machine import Death
from tests.waiting import eventually

__all__ = ["loaded", "person", "sink", "stage", "state"]

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("boundaries")]

AT_MOST_SECONDS = 5.0
STOPPED = signal.SIGSTOP
PLAY = 3
"""The third effect is the playbook."""

HELD = {
    "waits for a place and a worker": (OBSERVED_CI, Death("before", "step", 1, STOPPED)),
    "thinks": (OBSERVED_CI, Death("before", "propose", 1, STOPPED)),
    "has proposed": (OBSERVED_CI, Death("after", "propose", 1, STOPPED)),
    "ends its step": (OBSERVED_CI, Death("before", "finish", 1, STOPPED)),
    "permit not recorded": (OBSERVED_CI, Death("before", "record", 1, STOPPED)),
    "permit recorded and not claimed": (OBSERVED_CI, Death("before", "claim", 1, STOPPED)),
    "permit claimed": (OBSERVED_CI, Death("after", "claim", 1, STOPPED)),
    "effect about to begin": (OBSERVED_CI, Death("before", "act", 1, STOPPED)),
    "effect done and not settled": (OBSERVED_CI, Death("after", "act", 1, STOPPED)),
    "between two runs": (OBSERVED_CI, Death("before", "step", 3, STOPPED)),
    "play about to begin": (REPAIRED_CI, Death("before", "act", PLAY, STOPPED)),
    "play done and not settled": (REPAIRED_CI, Death("after", "act", PLAY, STOPPED)),
    "looks whether it helped": (REPAIRED_CI, Death("before", "step", 5, STOPPED)),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A ticket that ada has taken, and when."""

    scene: Scene
    ref: str
    at: datetime

    def late_lines(self) -> list[str]:
        """What agents have written into it since."""
        rows = self.scene.owner.execute(
            "SELECT text FROM public.tickets_logline WHERE ticket_id = %s"
            " AND author_kind = 'agent' AND at > %s",
            [self.ref, self.at],
        )
        return [row[0] for row in rows]

    def late_effects(self) -> list[tuple[str, ...]]:
        """What was begun for a run since: effects claimed, and not turned away."""
        return self.scene.owner.execute(
            "SELECT a.verb, a.outcome, a.result ->> 'code' FROM public.personas_action a"
            "  JOIN public.audit_work w ON w.id = a.work_id"
            " WHERE a.ticket_ref = %s AND a.run_id IS NOT NULL AND w.claimed_at > %s"
            "   AND a.outcome <> 'failed'",
            [self.ref, self.at],
        ).fetchall()

    def live_runs(self) -> int:
        """How many runs are not over."""
        return runs(self.scene, *LIVE)

    def open_permits(self) -> int:
        """How many permits may still be used."""
        rows = self.scene.owner.execute(
            "SELECT 1 FROM public.audit_work WHERE kind = 'effect'"
            " AND state IN ('waiting', 'ready', 'leased')"
        )
        return len(rows.fetchall())

    def holder(self) -> str:
        """Who has it in the end."""
        rows = self.scene.owner.execute(
            "SELECT assignee FROM public.tickets_ticket WHERE ref = %s", [self.ref]
        )
        return str(rows.fetchall()[0][0])


def by_page(ref: str) -> None:
    """As a person at the desk's page presses it."""
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    answer = client.post(f"/tickets/{ref}/", {"act": "take", "why": "mine", "key": str(uuid4())})
    assert answer.status_code == 302
    # A page that refuses sends back to itself too.
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert said == [
        f"{ref} is yours. No agent works on it, and nothing permitted will still begin."
    ]


def by_api(ref: str) -> None:
    """As a program of hers asks, with her token."""
    token, _ = Token.objects.get_or_create(user=User.objects.get(username="ada"))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    answer = client.post(f"/api/v1/tickets/{ref}/assign-to-me", {"why": "mine"}, format="json")
    assert answer.status_code == 200, answer.content


DOORS: dict[str, Callable[[str], None]] = {"page": by_page, "API": by_api}


@pytest.fixture(params=DOORS)
def take(
    request: pytest.FixtureRequest, person: Callable[[Scene, str], AbstractContextManager[None]]
) -> Callable[[Scene], Taken]:
    """`take(scene)`: ada takes the one incident, over one of the doors that there are."""

    def do(scene: Scene) -> Taken:
        rows = scene.owner.execute("SELECT ref FROM public.tickets_ticket WHERE ref LIKE 'INC%'")
        found = str(rows.fetchall()[0][0])
        with person(scene, "ada"):
            DOORS[request.param](found)
        at = scene.owner.execute("SELECT clock_timestamp()").fetchall()[0][0]
        return Taken(scene, found, at)

    return do


@contextmanager
def working(scene: Scene, death: Death | None) -> Iterator[ForkServerProcess]:
    """All loops at work, until nothing is left."""
    process = forkserver().Process(target=machine.run, args=(scene.site, death))
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            process.kill()
        process.join()


def is_held(process: ForkServerProcess) -> bool:
    assert process.pid is not None
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


def let_go(process: ForkServerProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)
    process.join(70)
    assert process.exitcode == 0


@pytest.mark.parametrize(("ci", "place"), HELD.values(), ids=HELD)
def test_nothing_is_done_for_a_ticket_that_was_taken(
    stage: Callable[[str], AbstractContextManager[Scene]],
    take: Callable[[Scene], Taken],
    ci: str,
    place: Death,
) -> None:
    with stage(ci) as scene, working(scene, place) as process:
        eventually(lambda: is_held(process), seconds=60)
        taken = take(scene)
        files = scene.files()
        let_go(process)
        assert (taken.late_lines(), taken.late_effects(), scene.files()) == ([], [], files)
        assert (taken.live_runs(), taken.open_permits(), taken.holder()) == (0, 0, "ada")
        # The history is whole, but for a ticket that a person still has.
        assert scene.wrong() == (f"{taken.ref} ended as assigned",)


def test_a_play_that_runs_has_ended_within_five_seconds(stage, take):
    with stage(REPAIRED_CI) as scene, working(scene, None) as process:
        action = eventually(lambda: started(scene), seconds=60)
        taken = take(scene)
        eventually(lambda: not marks.alive(action), seconds=AT_MOST_SECONDS)
        files = scene.files()
        process.join(70)
        assert (taken.late_lines(), scene.files()) == ([], files)
        assert (taken.live_runs(), taken.open_permits(), taken.holder()) == (0, 0, "ada")


def test_a_play_in_doubt_is_never_begun_again(stage, take):
    with stage(REPAIRED_CI) as scene:
        scene.play(Death("within", "act", PLAY))
        taken = take(scene)
        files = scene.files()
        with working(scene, None) as process:
            process.join(70)
        assert (taken.late_lines(), scene.files(), len(scene.begun())) == ([], files, 1)
        assert (taken.live_runs(), taken.holder()) == (0, "ada")


def test_what_waits_for_an_approval_is_over(stage, take):
    with stage(REPAIRED_CI) as scene, ExitStack() as kept:
        scene.owner.execute("UPDATE public.personas_autonomy SET level = 'propose'")
        process = kept.enter_context(working(scene, None))
        eventually(lambda: runs(scene, "parked"), seconds=60)
        taken = take(scene)
        process.join(70)
        codes = scene.owner.execute(
            "SELECT (gate.not_approvable(p)).code FROM public.approvals_approval p"
        ).fetchall()
        assert (taken.late_lines(), taken.live_runs(), codes) == ([], 0, [("approvals.over",)])
        assert scene.begun() == []


def started(scene: Scene) -> UUID | None:
    found = scene.begun()
    return UUID(found[0]) if found else None


def runs(scene: Scene, *states: str) -> int:
    rows = scene.owner.execute(
        "SELECT 1 FROM public.personas_run WHERE state = ANY (%s)", [list(states)]
    )
    return len(rows.fetchall())
