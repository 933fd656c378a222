"""The adapter of OpenAI's API against a simulated server, and against bytes."""

import json
import time
from collections.abc import Iterator

import pytest

from adapters.inference.errors import (
    BusyError,
    CutStreamError,
    InferenceError,
    MalformedStreamError,
    OverDeadlineError,
    RefusedOptionError,
    ServerSaidError,
    UnknownModelError,
    UnreachableError,
)
from adapters.inference.ollama import Chunk
from adapters.inference.openai import Server
from gpu.simulated.card import SimulatedCard, SimulatedModel
from gpu.simulated.serve import simulated
from tests.doubles.peer import Peer, plain

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
DONE = b"data: [DONE]\n\n"
CARD = SimulatedCard(
    8000,
    (
        SimulatedModel("any", "chat", 4000, 1, 100, 5000),
        SimulatedModel("vectors", "embed", 1000, 1, 100, 5000),
    ),
    scale=0.001,
)


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


def event(body: object) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def said(text: str, reason: str | None = None) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]})


def ask(url: str, body: dict | None = None, token: str = "", within: float = 30.0) -> list[Chunk]:
    server = Server(url, token=token)
    body = body or {"messages": [{"role": "user", "content": "Hello"}]}
    return list(server.stream_chat("any", {}, body, deadline=time.monotonic() + within))


def test_an_answer_comes_in_pieces_with_its_counts() -> None:
    with simulated(CARD) as server:
        *pieces, last = ask(server.url)
    assert "".join(piece.text for piece in pieces)
    assert (last.done, last.done_reason) == (True, "stop")
    assert last.tokens_in > 0
    assert last.tokens_out > 0


def test_the_last_text_may_come_with_the_reason(peer: Peer) -> None:
    usage = event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    peer.sends(HEAD, b": hello\n\n", said("a"), said("b", "length"), usage, DONE)
    assert ask(peer.url) == [
        Chunk(text="a"),
        Chunk(text="b"),
        Chunk(done=True, done_reason="length", tokens_in=3, tokens_out=2),
    ]


def test_models_are_listed() -> None:
    with simulated(CARD) as server:
        assert set(Server(server.url + "/v1").models()) == {"any:latest", "vectors:latest"}


def test_vectors_come_one_per_input() -> None:
    with simulated(CARD) as server:
        made = Server(server.url).embed("vectors", ["a", "b"], deadline=time.monotonic() + 30)
    assert len(made.vectors) == 2
    assert made.vectors[0] != made.vectors[1]


def test_an_unknown_model_is_said_so() -> None:
    with simulated(CARD) as server, pytest.raises(UnknownModelError):
        list(
            Server(server.url).stream_chat(
                "absent",
                {},
                {"messages": [{"role": "user", "content": "x"}]},
                deadline=time.monotonic() + 30,
            )
        )


def test_it_says_that_it_swaps_no_models() -> None:
    assert not Server.swaps_models
    assert not hasattr(Server, "load")


def test_what_is_sent_is_openais_words(peer: Peer) -> None:
    peer.sends(HEAD, said("x"), said("", "stop"), DONE)
    sampling = {"temperature": 0.0, "seed": 0, "num_predict": 7}
    ask(peer.url, {"messages": [], "format": {"type": "object"}, "sampling": sampling}, "secret")
    head, _, body = peer.heard[0].partition(b"\r\n\r\n")
    assert b"Authorization: Bearer secret" in head
    sent = json.loads(body)
    assert (sent["temperature"], sent["seed"], sent["max_tokens"]) == (0.0, 0, 7)
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "options" not in sent


def test_what_it_cannot_say_is_refused(peer: Peer) -> None:
    with pytest.raises(RefusedOptionError, match="top_k"):
        ask(peer.url, {"messages": [], "sampling": {"top_k": 5}})
    assert peer.heard == []


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ((), UnreachableError),
        ((HEAD,), CutStreamError),
        ((HEAD, said("a")), CutStreamError),
        ((HEAD, said("a", "stop")), CutStreamError),
        ((HEAD, b"<html>\n"), MalformedStreamError),
        ((HEAD, b"data: {\n\n"), MalformedStreamError),
        ((HEAD, event([])), MalformedStreamError),
        ((HEAD, event({})), MalformedStreamError),
        ((HEAD, event({"choices": [{"delta": {"content": 5}}]})), MalformedStreamError),
        ((HEAD, event({"error": {"message": "CUDA error"}})), ServerSaidError),
        ((plain("302 Found", b""),), ServerSaidError),
        ((plain("401 No", b'{"error": {"message": "key"}}'),), ServerSaidError),
        ((plain("404 No", b'{"error": {"message": "no model"}}'),), UnknownModelError),
        ((plain("503 Busy", b'{"detail": "full"}'),), BusyError),
    ],
)
def test_whatever_is_no_answer_is_a_typed_error(
    peer: Peer, parts: tuple[bytes, ...], error: type[InferenceError]
) -> None:
    peer.sends(*parts)
    with pytest.raises(error):
        ask(peer.url)


def test_a_silent_server_is_left_at_the_deadline(peer: Peer) -> None:
    def silence(link) -> None:
        link.sendall(HEAD)
        link.recv(1)

    peer.speak = silence
    with pytest.raises(OverDeadlineError):
        ask(peer.url, within=0.3)


def test_vectors_are_put_in_the_order_of_their_inputs(peer: Peer) -> None:
    data = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    peer.sends(plain("200 OK", json.dumps({"data": data}).encode()))
    made = Server(peer.url).embed("m", ["a", "b"], deadline=time.monotonic() + 30)
    assert made.vectors == ((1.0,), (2.0,))
