"""Our proxy and worker in front of a real Ollama: what wedges it bare, and what it cannot do."""

import time
from typing import Any

import httpx
import pytest

from adapters.inference.ollama import Server
from tests.live.asked import ask, over, wait_until
from tests.live.real import OPTIONS, QUICK, SLOW, RealOllama
from tests.live.served import Served

pytestmark = pytest.mark.live

LONG = 150


@pytest.fixture(params=["guarded_engine", "guarded_newest"])
def guarded(request: pytest.FixtureRequest) -> dict[str, Served]:
    found: dict[str, Served] = request.getfixturevalue(request.param)
    return found


def test_what_wedges_todays_ollama_goes_through(guarded: dict[str, Served]) -> None:
    lab = guarded["lab"]
    running = ask(lab, SLOW, LONG)
    wait_until(lambda: running.first, "the first words")
    other = ask(lab, QUICK, 3)
    again = ask(lab, SLOW, 3, keep_alive=-1)

    over(running, other, again, seconds=20)
    over(ask(lab, QUICK, 2), ask(lab, SLOW, 2), seconds=20)


def test_operations_interrupt_research_between_two_tokens(
    guarded_newest: dict[str, Served],
) -> None:
    research = ask(guarded_newest["lab"], SLOW, 4000)  # forty seconds by itself
    wait_until(lambda: research.first, "the first words")

    operations = ask(guarded_newest["pager"], QUICK, 5)

    over(operations, seconds=20)
    assert not research.is_over
    # Had it begun anew, the proxy would have had to end it with an error.
    said = research.tokens
    wait_until(lambda: research.tokens > said + LONG, "more of what was interrupted")
    research.leave.set()
    over(research)


def test_an_interrupted_answer_is_whole_and_the_same(
    guarded_engine: dict[str, Served], engine: RealOllama
) -> None:
    tokens = 900
    greedy = {"temperature": 0}
    research = ask(guarded_engine["lab"], SLOW, tokens, options=greedy)
    wait_until(lambda: len(research.text) > 40, "some words")
    over(ask(guarded_engine["pager"], QUICK, 5))
    over(research)

    body: dict[str, Any] = {"prompt": "hello", "sampling": {**greedy, "num_predict": tokens}}
    alone = Server(engine.url).stream_generate(SLOW, OPTIONS, body, deadline=time.monotonic() + 30)
    assert research.text == "".join(chunk.text for chunk in alone)


def test_who_hangs_up_frees_the_card(guarded: dict[str, Served]) -> None:
    lab = guarded["lab"]
    gone = ask(lab, SLOW, 4000)
    wait_until(lambda: gone.first, "the first words")
    gone.leave.set()

    over(ask(lab, QUICK, 3), seconds=15)  # alone it would go on for longer


def test_no_client_pins_a_model_or_changes_its_options(guarded: dict[str, Served]) -> None:
    lab = guarded["lab"]
    over(ask(lab, SLOW, 2, keep_alive=-1), seconds=20)
    over(ask(lab, QUICK, 2), seconds=20)

    body = {"model": QUICK, "prompt": "hello", "options": {"num_ctx": 512}}
    answer = httpx.post(f"{lab.url}/api/generate", json=body, headers=lab.headers, timeout=10)

    assert answer.status_code == 400
    assert "num_ctx" in answer.json()["error"]


def test_an_embedding_is_that_of_the_model(
    guarded_engine: dict[str, Served], engine: RealOllama
) -> None:
    lab = guarded_engine["lab"]
    body = {"model": lab.embed, "input": ["one", "two"]}
    through = httpx.post(f"{lab.url}/api/embed", json=body, headers=lab.headers, timeout=20)
    bare = httpx.post(f"{engine.url}/api/embed", json=body, timeout=20)

    for ours, theirs in zip(through.json()["embeddings"], bare.json()["embeddings"], strict=True):
        assert ours == pytest.approx(theirs)
