"""How a partial answer is continued: by its text as the assistant's last message, or raw."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.inference.ollama import Server
from tests.live.real import OPTIONS, QUICK, SLOW, TEMPLATED, RealOllama

pytestmark = pytest.mark.live

WHOLE = 120
PROMPT = "hello, who is there?"
MESSAGES: list[Any] = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": PROMPT},
]


def greedy(tokens: int) -> dict[str, Any]:
    return {"temperature": 0, "num_predict": tokens}


def by_chat(server: Server, model: str, partial: str, tokens: int) -> str:
    prefill = [{"role": "assistant", "content": partial}] if partial else []
    body: dict[str, Any] = {"messages": [*MESSAGES, *prefill], "sampling": greedy(tokens)}
    chunks = server.stream_chat(model, OPTIONS, body, deadline=time.monotonic() + 30)
    return "".join(chunk.text for chunk in chunks)


def by_raw_prompt(server: Server, model: str, partial: str, tokens: int) -> str:
    body: dict[str, Any] = {"prompt": PROMPT + partial, "raw": True, "sampling": greedy(tokens)}
    chunks = server.stream_generate(model, OPTIONS, body, deadline=time.monotonic() + 30)
    return "".join(chunk.text for chunk in chunks)


WAYS = [
    pytest.param(by_chat, QUICK, id="assistant, a template of prompt and response"),
    pytest.param(by_chat, TEMPLATED, id="assistant, a template over messages"),
    pytest.param(by_chat, SLOW, id="assistant, another model"),
    pytest.param(by_raw_prompt, QUICK, id="raw"),
]


@pytest.mark.parametrize("cut", [1, 37, WHOLE - 1])
@pytest.mark.parametrize(("ask", "model"), WAYS)
def test_a_greedy_answer_goes_on_where_it_was_cut(
    engine: RealOllama, ask: Callable[[Server, str, str, int], str], model: str, cut: int
) -> None:
    server = Server(engine.url)
    whole = ask(server, model, "", WHOLE)
    assert len(whole) == WHOLE

    rest = ask(server, model, whole[:cut], WHOLE - cut)

    assert whole[:cut] + rest == whole


def test_the_continuation_survives_a_swap(engine: RealOllama) -> None:
    server = Server(engine.url)
    whole = by_chat(server, QUICK, "", WHOLE)
    by_chat(server, SLOW, "", 5)

    assert by_chat(server, QUICK, whole[:50], WHOLE - 50) == whole[50:]


@pytest.mark.parametrize("model", [QUICK, TEMPLATED])
def test_todays_server_ends_the_prompt_where_the_partial_answer_ends(
    newest: RealOllama, model: str
) -> None:
    body = {
        "model": model,
        "messages": [*MESSAGES, {"role": "assistant", "content": "half of it"}],
        "_debug_render_only": True,
        "stream": False,
    }

    said = httpx.post(f"{newest.url}/api/chat", json=body, timeout=20).json()

    assert said["_debug_info"]["rendered_template"].endswith("half of it")
