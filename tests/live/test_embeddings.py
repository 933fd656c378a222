"""Real embeddings: all-MiniLM-L6-v2, converted by the real server from its published files."""

import time

import pytest

from adapters.inference.ollama import Embedded, Server
from tests.live.real import RealOllama

pytestmark = pytest.mark.live

CAT = "the cat sits on the mat"
KITTEN = "a kitten rests on a rug"
STOCKS = "the stock market fell today"


def embed(engine: RealOllama, model: str, *inputs: str) -> Embedded:
    server = Server(engine.url)
    options = {"num_ctx": 256, "num_thread": 1}
    return server.embed(model, options, inputs, None, None, deadline=time.monotonic() + 60)


def likeness(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_its_vectors_have_384_numbers(engine: RealOllama, minilm: str) -> None:
    assert {len(vector) for vector in embed(engine, minilm, CAT, KITTEN).vectors} == {384}


def test_what_means_the_same_is_near(engine: RealOllama, minilm: str) -> None:
    cat, kitten, stocks = embed(engine, minilm, CAT, KITTEN, STOCKS).vectors

    assert likeness(cat, kitten) > 0.6
    assert likeness(cat, stocks) < 0.2


def test_a_chunk_of_16_inputs_takes_seconds_not_minutes(engine: RealOllama, minilm: str) -> None:
    began = time.monotonic()

    found = embed(engine, minilm, *(f"{CAT}, number {number}" for number in range(16)))

    assert len(found.vectors) == 16
    assert time.monotonic() - began < 45
