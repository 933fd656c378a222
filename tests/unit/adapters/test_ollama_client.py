"""The adapter's own arithmetic: names, text, what is sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inference.errors import RefusedOptionError
from adapters.inference.ollama import CHAT_FIELDS, _body, full_name
from adapters.inference.wire import Call, Terms, _whole_lines
from adapters.json_value import JSON
from adapters.text import storable


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("qwen3", "qwen3:latest"),
        ("qwen3:8b", "qwen3:8b"),
        ("host:5000/team/qwen3", "host:5000/team/qwen3:latest"),
        ("", ""),
    ],
)
def test_a_model_has_a_tag(name: str, full: str) -> None:
    assert full_name(name) == full


@given(st.text(st.characters(codec=None), max_size=50))
def test_what_comes_can_be_stored(text: str) -> None:
    kept = storable(text)
    kept.encode()
    assert "\0" not in kept


def test_halves_of_a_pair_are_put_together() -> None:
    assert storable("\ud83d\ude00") == "\U0001f600"


def test_a_request_is_sent_as_it_is_and_lives_for_ever() -> None:
    tools: JSON = [{"function": {"parameters": {"properties": {"a": {"minimum": 3}}}}}]
    images: JSON = ["/etc/hostname"]
    body: dict[str, JSON] = {
        "messages": [{"role": "user", "content": "ü", "images": images, "tool_call_id": "c1"}],
        "tools": tools,
        "format": None,
        "keep_alive": 0,
        "options": {"num_ctx": 1},
        "sampling": {"seed": 1},
    }
    sent = json.loads(_body("m", {"num_ctx": 9}, body, CHAT_FIELDS))
    assert sent == {
        "model": "m",
        "messages": body["messages"],
        "tools": tools,
        "options": {"num_ctx": 9, "seed": 1},
        "keep_alive": -1,
        "stream": True,
    }


def test_sampling_is_a_mapping() -> None:
    with pytest.raises(RefusedOptionError):
        _body("m", {}, {"sampling": ["seed"]}, CHAT_FIELDS)


def test_a_label_cannot_add_a_header() -> None:
    with pytest.raises(ValueError, match="is no label"):
        Call(Terms(deadline=0, connect_s=1), label="1\r\nX-Evil: 1")


@given(st.lists(st.text(max_size=20), max_size=6), st.integers(1, 7))
def test_lines_stay_whole_however_they_are_cut(texts: list[str], size: int) -> None:
    data = b"".join(
        json.dumps(text, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for text in texts
    )
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    lines = b"".join(_whole_lines(parts)).decode().splitlines()
    sent = [text.encode("utf-8", "replace").decode() for text in texts]
    assert [json.loads(line) for line in lines] == sent
