"""The shapes of both APIs, against the types of their own clients."""

import base64
import json
import struct
from typing import Any

import ollama
import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gpu.proxy.answers_ollama import OllamaChat, OllamaEmbed, OllamaEmbedding, OllamaGenerate
from gpu.proxy.answers_openai import OpenAIChat, OpenAICompletion, OpenAIEmbedding
from gpu.proxy.dialects import Dialect, fault
from gpu.proxy.shapes import Piece, durations
from tests.unit.gpu.proxy.made import row

CALL = {"function": {"name": "look", "arguments": {"at": "db1"}}}
VECTORS = row(answer={"embeddings": [[0.5, -1.0]]})


def whole(shape, finished) -> Any:
    return shape.whole(finished)


def events(raw):
    data = [line.removeprefix("data: ") for line in raw.decode().split("\n\n")]
    return [json.loads(line) for line in data if line not in ("", "[DONE]")]


def test_a_whole_chat_is_ollamas():
    said = ollama.ChatResponse.model_validate(OllamaChat("ops").whole(row()))
    assert (said.message.content, said.done, said.done_reason) == ("Ethernet", True, "stop")
    assert said.created_at.endswith("Z")


def test_a_whole_text_is_ollamas():
    said = ollama.GenerateResponse.model_validate(
        OllamaGenerate("ops").whole(row(answer={"response": "Eth"}))
    )
    assert (said.response, said.done_reason) == ("Eth", "stop")


def test_vectors_are_ollamas():
    said = ollama.EmbedResponse.model_validate(OllamaEmbed("e").whole(VECTORS))
    assert said.embeddings == [[0.5, -1.0]]
    assert OllamaEmbedding("e").whole(VECTORS) == {"embedding": [0.5, -1.0]}


def test_durations_add_up():
    told = durations(row(answer={"prompt_s": 0.25, "eval_s": 1.5}))
    assert told == {
        "total_duration": 3_000_000_000,
        "load_duration": 1_000_000_000,
        "prompt_eval_count": 11,
        "prompt_eval_duration": 250_000_000,
        "eval_count": 2,
        "eval_duration": 1_500_000_000,
    }


def test_durations_that_nobody_measured_are_what_is_left():
    assert durations(row())["eval_duration"] == 2_000_000_000
    assert durations(row(latency_s=None, wait_s=None))["total_duration"] == 0


@pytest.mark.parametrize("text", ["\u2028", "\x85", "\n", '"', "\U0001f600", "\x7f"])
def test_no_text_breaks_a_line(text):
    for shape in (OllamaChat("ops"), OllamaGenerate("ops"), OpenAIChat("ops")):
        raw = shape.piece(Piece(text)).decode()
        assert len(raw.rstrip("\n").splitlines()) == 1


def test_a_whole_chat_is_openais():
    said = ChatCompletion.model_validate(OpenAIChat("ops").whole(row()))
    assert said.choices[0].message.content == "Ethernet"
    assert said.choices[0].finish_reason == "stop"
    assert said.usage.total_tokens == 13


def test_chunks_are_openais():
    shape = OpenAIChat("ops", usage=True)
    raw = shape.piece(Piece("Eth")) + shape.piece(Piece("", "hm", (CALL,))) + shape.last(row())
    chunks = [ChatCompletionChunk.model_validate(one) for one in events(raw)]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[1].choices[0].delta.role is None
    made = chunks[1].choices[0].delta.tool_calls[0]
    assert (made.index, made.function.name, made.function.arguments) == (0, "look", '{"at":"db1"}')
    assert chunks[2].choices[0].finish_reason == "tool_calls"
    assert chunks[3].usage.completion_tokens == 2
    assert raw.endswith(b"data: [DONE]\n\n")


def test_calls_in_later_chunks_are_counted_on():
    shape = OpenAIChat("ops")
    shape.piece(Piece("", "", (CALL, CALL)))
    [chunk] = events(shape.piece(Piece("", "", (CALL,))))
    assert chunk["choices"][0]["delta"]["tool_calls"][0]["index"] == 2


def test_a_chat_that_ends_at_its_limit_says_so():
    cut = row(answer={"message": {"content": "Eth", "tool_calls": [CALL]}, "done_reason": "length"})
    assert whole(OpenAIChat("ops"), cut)["choices"][0]["finish_reason"] == "length"


def test_streams_without_counts_say_nothing_of_them():
    shape = OpenAICompletion("ops")
    assert all("usage" not in one for one in events(shape.piece(Piece("a")) + shape.last(row())))


def test_vectors_are_openais_as_numbers_and_as_bytes():
    plain = OpenAIEmbedding("e", encoded=False).whole(VECTORS)
    assert CreateEmbeddingResponse.model_validate(plain).data[0].embedding == [0.5, -1.0]
    raw = whole(OpenAIEmbedding("e", encoded=True), VECTORS)["data"][0]["embedding"]
    assert struct.unpack("<2f", base64.b64decode(raw)) == (0.5, -1.0)


def test_patience_is_no_news_to_anybody():
    assert json.loads(OllamaChat("ops").patience())["message"]["content"] == ""
    assert json.loads(OllamaGenerate("ops").patience())["response"] == ""
    assert OpenAIChat("ops").patience() == b": waiting\n\n"


def test_faults_are_said_in_both_languages():
    assert fault(Dialect.OLLAMA, 404, "no", "k") == {"error": "no"}
    said = fault(Dialect.OPENAI, 404, "no", "k")["error"]
    assert said == {"message": "no", "type": "not_found_error", "param": None, "code": "k"}
