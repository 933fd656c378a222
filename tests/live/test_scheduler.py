"""How Ollama schedules, told from outside, with room for one model: the real one and ours.

The rules of 0.11.4 and of today differ in one: today a request for a loaded model overtakes
those that wait for another. That is also how today's Ollama can wedge itself (issue 17408).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import httpx
import ollama
import pytest

from gpu.simulated.serve import simulated
from tests.live.asked import Asked, ask, over, wait_until
from tests.live.parts import ENGINE, SCHEDULER
from tests.live.pretended import CARD
from tests.live.real import EMBED, QUICK, SLOW, UNHURRIED, RealOllama, Start
from tests.live.served import Served

pytestmark = pytest.mark.live

LONG = 400
"""Tokens that keep the card busy while others are sent, and a machine stands still for a while."""

ROOM = 2
"""Requests that may wait on a server of these tests."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A server of whom it can be told that a request really waits."""

    served: Served
    overtakes: bool
    """A request for the loaded model goes past those that wait for another."""

    evictions: Callable[[], int]
    """How often a request found no room and chose a model to go."""

    def resident(self) -> list[str]:
        found = httpx.get(f"{self.served.url}/api/ps", timeout=5).json()["models"]
        return [model["model"].removesuffix(":latest") for model in found]

    def let_go(self, model: str) -> None:
        with ollama.Client(host=self.served.url, timeout=10) as client:
            client.generate(model, keep_alive=0)

    def busy_with(self, model: str, tokens: int = LONG) -> Asked:
        """Have the card work on this model."""
        asked = ask(self.served, model, tokens)
        wait_until(lambda: asked.first, f"the first words of {model}")
        return asked

    def waits_for(self, model: str) -> Asked:
        """Send a prompt for a model that has no room yet, and see it choose who must go."""
        before = self.evictions()
        asked = ask(self.served, model, 3)
        wait_until(lambda: self.evictions() > before, f"the wait for {model}")
        return asked


@pytest.fixture(scope="module", params=["ollama-0.11", "ollama-0.32", "simulated"])
def watched(request: pytest.FixtureRequest, start_server: Start) -> Iterator[Watched]:
    if request.param == "simulated":
        with simulated(replace(CARD, max_queue=ROOM)) as pretended:
            loaded = pretended.machine.scheduler.loaded
            served = Served(request.param, pretended.url, chat=QUICK, embed=EMBED)
            yield Watched(
                served,
                overtakes=True,
                evictions=lambda: sum(each.keep_alive == 0 for each in [*loaded.values()]),
            )
        return
    part = ENGINE if request.param == "ollama-0.11" else SCHEDULER
    server = start_server(part, OLLAMA_MAX_QUEUE=str(ROOM), **UNHURRIED)
    served = Served(request.param, server.url, chat=QUICK, embed=EMBED, is_real=True)
    yield Watched(served, overtakes=part is SCHEDULER, evictions=_counted_in_the_log(server))


def _counted_in_the_log(server: RealOllama) -> Callable[[], int]:
    words = "resetting model to expire immediately"
    return lambda: server.log.read_text(errors="replace").count(words)


@pytest.fixture(autouse=True)
def left_empty(watched: Watched) -> Iterator[None]:
    yield
    for model in watched.resident():
        watched.let_go(model)
    wait_until(lambda: not watched.resident(), "an empty card")


def test_who_waits_is_served_when_the_card_is_free(watched: Watched) -> None:
    running = watched.busy_with(SLOW)
    other = watched.waits_for(QUICK)

    over(running, other)
    assert other.first >= running.ended


def test_whether_a_request_for_the_loaded_model_overtakes(watched: Watched) -> None:
    running = watched.busy_with(SLOW)
    other = watched.waits_for(QUICK)
    same = ask(watched.served, SLOW, 3)

    over(running, other, same)
    served = sorted((running, other, same), key=lambda asked: asked.first)
    in_turn = [running, other, same]
    overtaken = [running, same, other]
    assert served == (overtaken if watched.overtakes else in_turn)


def test_a_pinned_model_is_evicted_all_the_same(watched: Watched) -> None:
    over(ask(watched.served, SLOW, 2, keep_alive=-1))
    over(ask(watched.served, QUICK, 2))

    assert watched.resident() == [QUICK]


def test_a_full_queue_refuses_in_a_known_sentence(watched: Watched) -> None:
    running = watched.busy_with(SLOW, 4000)
    head = watched.waits_for(QUICK)
    more = [ask(watched.served, QUICK, 1) for _ in range(ROOM + 2)]
    wait_until(lambda: sum(asked.is_over for asked in more) == 2, "two to be turned away")
    running.leave.set()

    errors = [asked.error for asked in more if asked.is_over]
    over(head, *(asked for asked in more if asked.error is None))
    assert [(error.status_code, error.error) for error in errors] == 2 * [
        (503, "server busy, please try again.  maximum pending requests exceeded")
    ]


def test_who_hangs_up_frees_the_card_at_once(watched: Watched) -> None:
    running = watched.busy_with(SLOW, 4000)
    other = watched.waits_for(QUICK)

    running.leave.set()

    over(other, seconds=10)  # alone it would go on for longer


# ---------------------------------------------------------------- issue 17408

STUCK_AFTER = 3.0
"""Seconds after which a request counts as stuck; the card has been idle for most of them."""


def test_a_condemned_model_that_is_pinned_again_wedges_whoever_lets_it_be_asked(
    watched: Watched,
) -> None:
    running = watched.busy_with(SLOW)
    stuck = watched.waits_for(QUICK)
    again = ask(watched.served, SLOW, 3, keep_alive=-1)  # as most clients pin
    over(running, again)
    if not watched.overtakes:
        over(stuck)
        return

    with pytest.raises(AssertionError, match="waited"):
        over(stuck, seconds=STUCK_AFTER)
    # All that a monitor usually looks at is in order,
    assert watched.resident() == [SLOW]
    over(ask(watched.served, SLOW, 2))
    # whoever comes next is stuck as well,
    next_one = ask(watched.served, QUICK, 2)
    with pytest.raises(AssertionError, match="waited"):
        over(next_one, seconds=1)
    # and only who lets the resurrected model go by hand gets the others out.
    watched.let_go(SLOW)
    over(stuck, next_one)
