"""The Ollama adapter against bytes: what a server may send, cut anywhere, or never send."""

import json
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from adapters.inference import wire
from adapters.inference.direct import Inference
from adapters.inference.errors import (
    CutStreamError,
    InferenceError,
    MalformedAnswerError,
    MalformedStreamError,
    OverDeadlineError,
    ServerSaidError,
    UnreachableError,
)
from adapters.inference.ollama import Chunk, Server
from adapters.inference.port import Candidate, Question
from tests.doubles.peer import Peer, plain
from tests.waiting import PATIENCE_SECONDS

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LAST = {"message": {"role": "assistant", "content": ""}, "done": True, "eval_count": 1}


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def line(body: object) -> bytes:
    return chunked(json.dumps(body, ensure_ascii=False).encode() + b"\n")


def said(text: str) -> bytes:
    return line({"message": {"role": "assistant", "content": text}, "done": False})


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


def ask(peer: Peer, within: float = 30.0, idle: float = 30.0) -> list[Chunk]:
    server = Server(peer.url, idle_s=idle)
    deadline = time.monotonic() + within
    return list(server.stream_chat("m", {}, {"messages": []}, deadline=deadline, label="1,2"))


def test_characters_that_end_lines_elsewhere_do_not_end_ours(peer: Peer) -> None:
    peer.sends(HEAD, said("a\x85b\u2028c\u2029d"), line(LAST), b"0\r\n\r\n")
    assert ask(peer)[0].text == "a\x85b\u2028c\u2029d"


def test_a_line_may_come_in_any_pieces(peer: Peer) -> None:
    whole = HEAD + said("für") + line(LAST)
    peer.sends(*(whole[at : at + 1] for at in range(len(whole))))
    assert "".join(chunk.text for chunk in ask(peer)) == "für"


def test_the_label_goes_as_a_header_and_the_length_is_right(peer: Peer) -> None:
    peer.sends(HEAD, line(LAST))
    ask(peer)
    head, _, body = peer.heard[0].partition(b"\r\n\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (each.partition(b":") for each in head.split(b"\r\n")[1:])
    }
    assert headers[b"x-request-label"] == b"1,2"
    assert int(headers[b"content-length"]) == len(body)
    assert json.loads(body)["keep_alive"] == -1


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ((), UnreachableError),
        ((b"HTTP/1.1 200",), UnreachableError),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), UnreachableError),
        ((HEAD,), CutStreamError),
        ((HEAD, said("a")), CutStreamError),
        ((HEAD, said("a"), b"0\r\n\r\n"), CutStreamError),
        ((HEAD, b"0\r\n\r\n"), CutStreamError),
        ((HEAD, said("a"), b"zz\r\n"), CutStreamError),
        ((HEAD, chunked(b"<html>\n")), MalformedStreamError),
        ((HEAD, chunked(b"\n")), MalformedStreamError),
        ((HEAD, line([])), MalformedStreamError),
        ((HEAD, line({})), MalformedStreamError),
        ((HEAD, line({"message": {"role": "x", "content": 5}})), MalformedStreamError),
        ((HEAD, line({**LAST, "eval_count": "many"})), MalformedStreamError),
        ((HEAD, chunked(b"[" * 200_000 + b"\n")), MalformedStreamError),
        ((HEAD, line({"error": "CUDA error"})), ServerSaidError),
        ((HEAD, line({"error": {"message": "of another shape"}})), InferenceError),
        ((HEAD, line({"error": "12"})), InferenceError),
        ((plain("302 Found", b""),), ServerSaidError),
        ((plain("418 Teapot", b"short and stout"),), ServerSaidError),
        ((plain("500 Oops", b'{"error": "llama died"}'),), ServerSaidError),
    ],
)
def test_whatever_is_no_answer_is_a_typed_error(
    peer: Peer, parts: tuple[bytes, ...], error: type[InferenceError]
) -> None:
    peer.sends(*parts)
    with pytest.raises(error):
        ask(peer)


def test_an_endless_line_is_given_up(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST_LINE", 100_000)
    peer.sends(HEAD, *[chunked(b" " * 50_000)] * 1000)
    with pytest.raises(MalformedStreamError, match="over 100000 bytes"):
        ask(peer)
    assert peer.ended.wait(PATIENCE_SECONDS), "the connection is closed"


def test_an_endless_body_is_given_up(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST_BODY", 100_000)
    peer.sends(HEAD, *[chunked(b" " * 50_000)] * 100)
    with pytest.raises(MalformedStreamError, match="over 100000 bytes"):
        Server(peer.url).resident()


def silence(link: socket.socket) -> None:
    link.sendall(HEAD)
    link.recv(1)


def test_bytes_without_a_line_do_not_put_the_deadline_off(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(wire, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def drip(link: socket.socket) -> None:
        link.sendall(HEAD)
        for _ in range(3000):
            link.sendall(chunked(b" "))
            # The time is over while it drips, and not before anybody has connected.
            now[0] += 10
            time.sleep(0.01)

    peer.speak = drip
    with pytest.raises(OverDeadlineError):
        list(Server(peer.url).stream_chat("m", {}, {"messages": []}, deadline=30.0))
    assert peer.ended.wait(PATIENCE_SECONDS), "the connection is closed"


def test_the_deadline_holds_for_a_slow_consumer_too(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.sends(HEAD, said("a"), said("b"), line(LAST))
    deadline = time.monotonic() + 60
    stream = Server(peer.url).stream_chat("m", {}, {"messages": []}, deadline=deadline)
    assert next(stream).text == "a"
    monkeypatch.setattr(wire, "time", SimpleNamespace(monotonic=lambda: deadline))
    with pytest.raises(OverDeadlineError):
        next(stream)


def test_a_silent_server_is_left_after_the_idle_time(peer: Peer) -> None:
    peer.speak = silence
    began = time.monotonic()
    with pytest.raises(OverDeadlineError, match="Not a byte"):
        ask(peer, within=60, idle=0.2)
    assert time.monotonic() - began < PATIENCE_SECONDS


@pytest.mark.parametrize(
    "vectors", [[], [[1.0]], [[1.0], [1.0, 2.0]], [[], []], [[1.0], [float("nan")]], [["x"], [1]]]
)
def test_vectors_that_are_none_are_refused(peer: Peer, vectors: object) -> None:
    peer.sends(plain("200 OK", json.dumps({"embeddings": vectors}).encode()))
    with pytest.raises(MalformedStreamError):
        Server(peer.url).embed("m", {}, ["a", "b"], None, None, deadline=time.monotonic() + 30)


def test_counts_are_bounded_and_never_negative(peer: Peer) -> None:
    odd = {"eval_count": 10**40, "prompt_eval_count": -5, "load_duration": -1, "done_reason": "s"}
    peer.sends(HEAD, line({**LAST, **odd}))
    (last,) = ask(peer)
    assert (last.tokens_out, last.tokens_in, last.load_s) == (2**31 - 1, 0, 0.0)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://127.0.0.1:9", "http://no such host"])
def test_an_address_that_leads_nowhere_is_unreachable(url: str) -> None:
    with pytest.raises(UnreachableError):
        Server(url, connect_s=1).tags()


# ---------------------------------------------------------------- a typed question, asked twice

QUESTION = Question(
    "diagnose", "responder", {"alert.name": "ShopDown"}, (Candidate("escalate", "Ask a person"),)
)
GOOD = '{"why": ["hm"], "choice": "escalate", "say": "Ask.", "confidence": 0.5}'


def answers_in_turn(peer: Peer, *texts: str) -> None:
    left = iter(texts)

    def speak(link: socket.socket) -> None:
        link.sendall(HEAD + said(next(left)) + line(LAST) + b"0\r\n\r\n")

    peer.speak = speak


def engine(peer: Peer) -> Inference:
    return Inference(Server(peer.url), "m", {}, context_tokens=4096, timeout_s=30.0)


def test_a_refused_answer_is_asked_for_once_more_with_its_fault(peer: Peer) -> None:
    answers_in_turn(peer, GOOD.replace("escalate", "reboot"), GOOD)
    assert engine(peer).ask(QUESTION).choice == "escalate"
    second = json.loads(peer.heard[1].partition(b"\r\n\r\n")[2])
    assert "'reboot' is not among the candidates" in second["messages"][-1]["content"]


def test_a_second_refusal_is_the_last(peer: Peer) -> None:
    answers_in_turn(peer, "no", "no", GOOD)
    with pytest.raises(MalformedAnswerError):
        engine(peer).ask(QUESTION)
    assert len(peer.heard) == 2


def test_an_answer_without_end_is_no_answer(peer: Peer) -> None:
    answers_in_turn(peer, "x" * 20_000, GOOD)
    assert engine(peer).ask(QUESTION).choice == "escalate"
