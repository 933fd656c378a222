"""Bodies are bounded, and hold JSON that can be kept."""

import asyncio
import json

import pytest
from pydantic import Field

from gpu.proxy import bodies
from gpu.proxy.bodies import Body
from gpu.proxy.errors import GoneError, RefusedError
from gpu.proxy.limits import DEEPEST, LARGEST_BODY


class Said(Body):
    model: str
    numbers: list[float] = Field(default_factory=list)


def taken(*pieces, headers=()):
    waiting = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ] or [{"type": "http.disconnect"}]

    async def receive():
        return waiting.pop(0)

    return asyncio.run(bodies.take({"headers": list(headers)}, receive))


def refused(raw):
    with pytest.raises(RefusedError) as no:
        bodies.read(raw, Said)
    assert no.value.status == 400
    return no.value.message


def test_a_body_is_read_whole():
    assert taken(b"12", b"34") == b"1234"


def test_a_body_that_says_it_is_too_large_is_not_read():
    with pytest.raises(RefusedError) as no:
        taken(b"x", headers=[(b"content-length", str(LARGEST_BODY + 1).encode())])
    assert no.value.status == 413


def test_a_body_that_does_not_say_is_cut():
    with pytest.raises(RefusedError) as no:
        taken(b"x" * LARGEST_BODY, b"x")
    assert no.value.status == 413


def test_who_leaves_while_sending_is_gone():
    with pytest.raises(GoneError):
        taken()


@pytest.mark.parametrize("raw", [b"", b"  \n"])
def test_no_body_is_said_so(raw):
    assert refused(raw) == "missing request body"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff",
        b'{"model": NaN}',
        b'{"model": 1e999}',
        b'{"model": "\\ud800"}',
        b'{"model": "a\\u0000"}',
        b'{"a\\u0000": "model"}',
        b"[" * 20_000,
        b'{"model": "a", "x": ' + b"[" * DEEPEST + b"]" * DEEPEST + b"}",
    ],
)
def test_what_cannot_be_kept_is_refused(raw):
    assert refused(raw).startswith("invalid JSON")


@pytest.mark.parametrize("body", [[], "x", 1, None, {}, {"model": 1}, {"model": None}])
def test_wrong_types_are_named(body):
    refused(json.dumps(body).encode())


def test_the_wrong_field_is_named():
    assert refused(b'{"model": "a", "numbers": [1, "2"]}').startswith("numbers.1: ")


def test_fields_that_are_not_known_are_not_looked_at():
    said = bodies.read(b'\xef\xbb\xbf{"model": "\\u00fc \\\\u0000", "x": {}, "numbers": [1]}', Said)
    assert (said.model, said.numbers) == ("ü \\u0000", [1.0])
