"""What a log takes from a witness, and what it does not: answers of every kind."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from audit.ledger import notes
from audit.ledger.notes import Kind, Signer
from audit.witness.client import Client, Shown
from audit.witness.errors import AheadError, AwayError, RefusedError, WitnessError
from tests.doubles import anchors
from tests.doubles.tree import Log

Answer = tuple[int, bytes]
Ask = Callable[[Callable[[bytes], Answer] | Answer], WitnessError | str]

WITNESS = Signer.new("host/w1", Kind.COSIGNATURE)
LOG = Log().grow(20)
NOW = int(time.time())
"""When this module was read: its tests may run an hour later."""
TOMORROW = NOW + 86_400


def line(size: int = 9, signer: Signer = WITNESS, at: int = NOW) -> bytes:
    return f"{notes.cosign(LOG.head(size).text, signer, at)}\n".encode()


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Ask a witness that answers so; returns the line, or what went wrong."""
    with ExitStack() as stack:

        def asked(answer: Callable[[bytes], Answer] | Answer) -> WitnessError | str:
            def answered(_path: str, body: bytes) -> Answer:
                return answer(body) if callable(answer) else answer

            url = stack.enter_context(anchors.served(answered))
            client = Client(WITNESS.key.vkey, url)
            stack.callback(client.close)
            shown = Shown.of(LOG.request(0, 9).note)
            try:
                return client.cosign(shown, 5, LOG.proof).line
            except WitnessError as fault:
                return fault

        yield asked


def test_a_good_line_is_taken(ask: Ask) -> None:
    assert ask((200, line())) == line().decode().strip()


def test_lines_of_others_beside_it_are_passed_over(ask: Ask) -> None:
    other = line(signer=Signer.new("host/w2", Kind.COSIGNATURE))
    assert ask((200, other + line())) == line().decode().strip()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello\n",
        b"\xff\xfe",
        line(8),
        line(signer=Signer.new("host/w1", Kind.COSIGNATURE)),
        line()[:-10] + b"AAAAAAAAA\n",
        line(at=TOMORROW),
        b"\n" * 1000,
    ],
    ids=["none", "words", "bytes", "another size", "another key", "spoilt", "tomorrow", "empty"],
)
def test_an_answer_that_is_no_line_of_it_is_one_of_nobody(ask: Ask, body: bytes) -> None:
    assert isinstance(ask((200, body)), AwayError)


def test_an_answer_without_end_is_cut(ask: Ask) -> None:
    assert "no end" in str(ask((200, b"x" * 1_000_000)))


def test_an_answer_that_drips_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.witness.client.ANSWER_SECONDS", 0.3)
    left = threading.Event()
    with anchors.dripping(left) as url:
        client = Client(WITNESS.key.vkey, url)
        with pytest.raises(AwayError, match="too long"):
            client.cosign(Shown.of(LOG.request(0, 9).note), 5, LOG.proof)
        client.close()
        assert left.wait(10)


def test_a_conflict_is_answered_with_the_proof_from_there(ask: Ask) -> None:
    def answer(body: bytes) -> Answer:
        return (200, line()) if body.startswith(b"old 3\n") else (409, b"3\n")

    assert ask(answer) == line().decode().strip()


def test_a_witness_that_knows_more_is_an_alarm(ask: Ask) -> None:
    said = ask((409, b"12\n"))
    assert isinstance(said, AheadError)
    assert str(said).startswith("the ledger is shorter than what was witnessed: 12")


@pytest.mark.parametrize("body", [b"", b"x\n", b"-1\n", b"9" * 30 + b"\n"])
def test_a_conflict_without_a_size_is_no_answer(ask: Ask, body: bytes) -> None:
    assert isinstance(ask((409, body)), AwayError)


def test_a_witness_that_says_another_size_each_time_is_left(ask: Ask) -> None:
    sizes = iter(range(9))
    said = ask(lambda _: (409, f"{next(sizes)}\n".encode()))
    assert "another size each time" in str(said)
    assert next(sizes) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_is_told_apart_from_an_absence(ask: Ask, status: int) -> None:
    assert isinstance(ask((status, b"because\n")), RefusedError)


@pytest.mark.parametrize("status", [204, 301, 302, 401, 411, 418, 429, 500, 503])
def test_every_other_answer_is_an_absence(ask: Ask, status: int) -> None:
    assert isinstance(ask((status, b"")), AwayError)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://[::1", "http://a b", "ftp://x"])
def test_an_address_that_leads_nowhere_is_an_absence(url: str) -> None:
    client = Client(WITNESS.key.vkey, url)
    with pytest.raises(AwayError):
        client.cosign(Shown.of(LOG.request(0, 9).note), 0, LOG.proof)
    client.close()
