"""The Ollama adapter against a server that misbehaves in every way it can be told to."""

import time
from typing import Any

import httpx
import pytest

from adapters.inference.direct import Inference
from adapters.inference.errors import (
    BusyError,
    CutStreamError,
    InferenceError,
    MalformedAnswerError,
    MalformedStreamError,
    OverDeadlineError,
    RefusedOptionError,
    ServerSaidError,
    StoppedError,
    UnknownModelError,
    UnreachableError,
)
from adapters.inference.ollama import Chunk, Server
from adapters.inference.port import Candidate, Question
from adapters.json_value import JSON
from gpu.simulated.serve import Simulated
from tests.waiting import eventually

AT_ONCE_SECONDS = 5.0
"""Far less than what it would have taken otherwise, and more than a machine stands still."""
OPTIONS: dict[str, JSON] = {"num_ctx": 16384}
SAYING: JSON = [{"role": "user", "content": "say something"}]


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


def order(simulated: Simulated, kind: str, **more: object) -> None:
    answer = httpx.post(f"{simulated.url}/simulated/faults", json={"kind": kind, **more})
    answer.raise_for_status()


def saying(tokens: int) -> dict[str, JSON]:
    return {"messages": SAYING, "sampling": {"num_predict": tokens}}


def chat(server: Server, tokens: int = 30, **more: Any) -> list[Chunk]:
    body = saying(tokens)
    return list(server.stream_chat("ops-8b", OPTIONS, body, **{"deadline": soon(), **more}))


@pytest.fixture
def server(simulated: Simulated) -> Server:
    return Server(simulated.url)


def test_an_answer_comes_whole_with_its_counts(server: Server) -> None:
    chunks = chat(server)
    assert "".join(chunk.text for chunk in chunks).split() == [f"w{n}" for n in range(1, 31)]
    assert chunks[-1].done
    assert (chunks[-1].tokens_in, chunks[-1].tokens_out) == (2, 30)
    assert chunks[-1].load_s > 0.04


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("cut", CutStreamError),
        ("error_line", ServerSaidError),
        ("garbage", MalformedStreamError),
        ("wrong_json", MalformedStreamError),
        ("busy", BusyError),
        ("load_failure", ServerSaidError),
    ],
)
@pytest.mark.parametrize("after", [0, 7])
def test_a_faulty_stream_is_an_error_and_the_next_is_well(
    simulated: Simulated, server: Server, kind: str, error: type[InferenceError], after: int
) -> None:
    order(simulated, kind, after_tokens=after)
    with pytest.raises(error):
        chat(server)
    assert chat(server)[-1].done


def test_what_came_before_a_fault_was_given_out(simulated: Simulated, server: Server) -> None:
    order(simulated, "error_line", after_tokens=7)
    body = saying(30)
    seen = ""
    with pytest.raises(ServerSaidError, match="CUDA") as raised:
        for chunk in server.stream_chat("ops-8b", OPTIONS, body, deadline=soon()):
            seen += chunk.text
    assert seen == "w1 w2 w3 w4 w5 w6 w7 "
    assert raised.value.status == 200


def test_generate_takes_no_other_shape_for_a_line(simulated: Simulated, server: Server) -> None:
    order(simulated, "wrong_json", after_tokens=3)
    with pytest.raises(MalformedStreamError):
        list(server.stream_generate("ops-8b", OPTIONS, {"prompt": "x"}, deadline=soon()))


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_the_deadline_holds_where_nothing_whole_comes(
    simulated: Simulated, server: Server, kind: str
) -> None:
    order(simulated, kind, after_tokens=3, seconds=0.01)
    server.load("ops-8b", OPTIONS, embeds=False, deadline=soon())
    began = time.monotonic()
    with pytest.raises(OverDeadlineError):
        chat(server, deadline=began + 0.3)
    assert 0.28 < time.monotonic() - began < AT_ONCE_SECONDS


def test_silence_ends_before_the_deadline(simulated: Simulated) -> None:
    order(simulated, "hang")
    began = time.monotonic()
    with pytest.raises(OverDeadlineError, match="Not a byte"):
        chat(Server(simulated.url, idle_s=0.2), deadline=soon(30))
    assert time.monotonic() - began < AT_ONCE_SECONDS


def test_a_silent_call_can_be_stopped(simulated: Simulated, server: Server) -> None:
    order(simulated, "hang")
    stop_at = time.monotonic() + 0.2
    with pytest.raises(StoppedError):
        chat(server, deadline=soon(30), stop=lambda: time.monotonic() > stop_at)
    assert time.monotonic() - stop_at < AT_ONCE_SECONDS


def test_closing_the_iterator_frees_the_card_at_once(simulated: Simulated, server: Server) -> None:
    body = saying(100_000)
    stream = server.stream_chat("ops-8b", OPTIONS, body, deadline=soon(), label="7")
    next(stream)
    began = time.monotonic()
    stream.close()
    eventually(lambda: not simulated.machine.running)
    assert time.monotonic() - began < AT_ONCE_SECONDS, "to its end it would be 20 s and more"
    assert [event["ev"] for event in simulated.machine.log.newest][-1] == "preempted"


def test_a_hung_load_ends_at_its_deadline_and_blocks_the_others(
    simulated: Simulated, server: Server
) -> None:
    server.load("embed-8b", {"num_ctx": 32768}, embeds=True, deadline=soon())
    order(simulated, "load_hang", model="ops-8b")
    for model in ("ops-8b", "code-14b"):
        # Time enough for the request to come there, however slow the machine.
        with pytest.raises(OverDeadlineError):
            server.load(model, OPTIONS, embeds=False, deadline=soon(1.0))
    assert server.resident() == [], "what loads is not listed"
    httpx.delete(f"{simulated.url}/simulated/faults")
    server.load("code-14b", OPTIONS, embeds=False, deadline=soon())
    assert [one.model for one in server.resident()] == ["code-14b:latest"]


def test_another_digest_is_seen(simulated: Simulated, server: Server) -> None:
    before = {tag.model: tag.digest for tag in server.tags()}
    order(simulated, "digest_change", model="ops-8b")
    after = {tag.model: tag.digest for tag in server.tags()}
    assert before.pop("ops-8b:latest") != after.pop("ops-8b:latest")
    assert before == after


def test_an_unknown_model_is_said_so(server: Server) -> None:
    with pytest.raises(UnknownModelError, match="not found"):
        list(server.stream_chat("nobody", {}, {"messages": SAYING}, deadline=soon()))


def test_nothing_there_is_unreachable() -> None:
    with pytest.raises(UnreachableError):
        Server("http://127.0.0.1:9").resident()


@pytest.mark.parametrize("kind", ["cut", "error_line"])
def test_a_faulty_embedding_is_an_error(simulated: Simulated, server: Server, kind: str) -> None:
    order(simulated, kind)
    with pytest.raises(InferenceError):
        server.embed("embed-8b", {}, ["a"], None, None, deadline=soon())
    assert len(server.embed("embed-8b", {}, ["a"], None, None, deadline=soon()).vectors) == 1


def test_foreign_runner_options_never_reach_the_server(
    simulated: Simulated, server: Server
) -> None:
    body: dict[str, JSON] = {"messages": SAYING, "sampling": {"num_ctx": 8192}}
    with pytest.raises(RefusedOptionError, match="temperature"):
        server.stream_chat("ops-8b", OPTIONS, body, deadline=soon())
    assert simulated.machine.counts["requests"] == 0


def test_the_slots_options_and_forever_go_with_every_request(
    simulated: Simulated, server: Server
) -> None:
    chat(server)
    (runner,) = httpx.get(f"{simulated.url}/simulated/state").json()["resident"]
    assert runner["forever"]
    assert runner["options"]["num_ctx"] == 16384


def test_unloaded_is_unloaded(server: Server) -> None:
    server.load("embed-8b", {}, embeds=True, deadline=soon())
    server.unload("embed-8b", embeds=True, deadline=soon())
    assert server.resident() == []
    server.unload("embed-8b", embeds=True, deadline=soon())


def test_no_answer_out_of_malformed_text(simulated: Simulated, server: Server) -> None:
    order(simulated, "wrong_answer", times=2)  # it is asked once more
    question = Question("diagnose", "responder", {}, (Candidate("escalate", "Ask a person"),))
    with pytest.raises(MalformedAnswerError):
        Inference(server, "ops-8b", OPTIONS, context_tokens=4096).ask(question)
