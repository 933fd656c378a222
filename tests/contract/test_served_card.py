"""A server of OpenAI's API as a card's worker asks it: its models are its own."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.inference.errors import (
    BusyError,
    RefusedOptionError,
    UnknownModelError,
    UnreachableError,
)
from adapters.inference.ollama import Server as Ollama
from gpu.errors import KeyMissingError
from gpu.models import Card
from gpu.simulated.card import SimulatedCard, SimulatedModel
from gpu.simulated.serve import Simulated, simulated
from gpu.worker.servers import Served, server_of
from tests.doubles.peer import Peer, plain

CARD = SimulatedCard(
    8000,
    (
        SimulatedModel("any", "chat", 4000, 1, 100, 5000),
        SimulatedModel("vectors", "embed", 1000, 1, 100, 5000),
    ),
    scale=0.001,
)
SERVES = {"ops": "any", "reason": "any", "embed": "vectors", "absent": "nobody/has-it"}


@pytest.fixture
def server() -> Iterator[Simulated]:
    with simulated(CARD) as running:
        yield running


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


def asked(url: str, key_file: str = "") -> Served:
    found = server_of(Card(name="card0", url=url, serves=SERVES, key_file=key_file))
    assert isinstance(found, Served)
    return found


def soon() -> float:
    return time.monotonic() + 30


def test_what_it_lists_of_ours_is_resident_and_takes_no_memory(server: Simulated) -> None:
    found = asked(server.url).resident()
    assert [one.model for one in found] == ["any:latest", "vectors:latest"]
    assert {(one.bytes, one.context, one.digest) for one in found} == {(0, 0, "")}
    assert asked(server.url).tags() == []


def test_one_without_a_list_is_believed_to_have_them(peer: Peer) -> None:
    peer.sends(plain("404 No", b"{}"))
    assert len(asked(peer.url).resident()) == 3


def test_what_it_does_not_list_is_not_loaded(server: Simulated) -> None:
    with pytest.raises(UnknownModelError, match="does not list nobody/has-it"):
        asked(server.url).load("nobody/has-it", {}, False, deadline=soon())  # noqa: FBT003


def test_nothing_of_it_is_put_out(server: Simulated) -> None:
    there = asked(server.url)
    list(there.stream_chat("any", {}, {"messages": said("hello")}, deadline=soon()))
    there.unload("any", False, deadline=soon())  # noqa: FBT003
    assert "any:latest" in {one.model for one in there.resident()}
    assert Ollama(server.url).resident(), "it is still in the server's memory"


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_one_prompt_is_asked_as_a_chat(peer: Peer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    piece = json.dumps({"choices": [{"delta": {"content": "yes"}, "finish_reason": "stop"}]})
    peer.sends(head, f"data: {piece}\n\n".encode(), b"data: [DONE]\n\n")
    body = {"prompt": "Is it up?", "system": "Be brief."}
    chunks = list(asked(peer.url).stream_generate("any", {}, body, deadline=soon()))
    assert "".join(chunk.text for chunk in chunks) == "yes"
    sent = json.loads(peer.heard[0].partition(b"\r\n\r\n")[2])
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]


@pytest.mark.parametrize("name", ["raw", "template", "suffix", "images"])
def test_a_prompt_that_no_chat_can_say_is_refused(server: Simulated, name: str) -> None:
    with pytest.raises(RefusedOptionError, match=name):
        asked(server.url).stream_generate("any", {}, {"prompt": "x", name: "y"}, deadline=soon())


def test_vectors_come_and_nothing_is_cut(server: Simulated) -> None:
    there = asked(server.url)
    assert len(there.embed("vectors", {}, ["a", "b"], None, None, deadline=soon()).vectors) == 2
    with pytest.raises(RefusedOptionError, match="truncate"):
        there.embed("vectors", {}, ["a"], True, None, deadline=soon())  # noqa: FBT003


def test_one_that_is_asked_too_much_is_busy(peer: Peer) -> None:
    peer.sends(plain("429 Too Many Requests", b'{"error": {"message": "slow down"}}'))
    with pytest.raises(BusyError, match="slow down"):
        list(asked(peer.url).stream_chat("any", {}, {"messages": said("x")}, deadline=soon()))


def test_it_is_asked_with_the_key_of_the_file(peer: Peer, tmp_path: Path) -> None:
    key = tmp_path / "key"
    with pytest.raises(KeyMissingError, match="No such file"):
        asked(peer.url, str(key))
    key.write_text("hush\n", encoding="utf-8")
    peer.sends(plain("200 OK", b'{"data": [{"id": "theirs"}]}'))
    assert asked(peer.url, str(key)).resident() == []
    assert b"Authorization: Bearer hush\r\n" in peer.heard[0]


@pytest.mark.parametrize("holds", [b"hush\nword", b"h\xc3\xbcsh", b""])
def test_a_key_that_no_header_can_carry_is_refused_and_not_told(
    peer: Peer, tmp_path: Path, holds: bytes
) -> None:
    key = tmp_path / "key"
    key.write_bytes(holds)
    with pytest.raises(KeyMissingError) as refused:
        asked(peer.url, str(key))
    said = str(refused.value)
    assert (refused.value.code, "hush" in said, "word" in said) == ("gpu.no_key", False, False)
    assert peer.heard == []


def test_one_that_lists_nothing_at_all_is_not_up(peer: Peer) -> None:
    peer.sends(plain("200 OK", b'{"data": []}'))
    with pytest.raises(UnreachableError, match="lists no model"):
        asked(peer.url).resident()


def test_asked_too_often_for_its_list_it_holds_what_it_held(peer: Peer) -> None:
    there = asked(peer.url)
    peer.sends(plain("200 OK", b'{"data": [{"id": "vectors"}]}'))
    assert [one.model for one in there.resident()] == ["vectors:latest"]
    peer.sends(plain("429 Too Many Requests", b"{}"))
    assert [one.model for one in there.resident()] == ["vectors:latest"]
    peer.sends(plain("503 Service Unavailable", b"{}"))
    with pytest.raises(BusyError):
        there.resident()
