"""Asking one witness for its line below one tree head."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

import httpx

from audit.errors import NoteError
from audit.ledger import notes
from audit.ledger.notes import Key, TreeHead
from audit.witness import protocol
from audit.witness.errors import AheadError, AwayError, RefusedError
from audit.witness.protocol import MalformedError, Request

TIMEOUT: Final = httpx.Timeout(5.0, connect=3.0)
ANSWER_SECONDS: Final = 10.0
"""For a whole answer: each piece of it may come within its time, and the end never."""
LARGEST_ANSWER: Final = 64 * 1024
MOST_CONFLICTS: Final = 3
"""So often another of us may be faster; more is no race."""
CLOCK_SECONDS: Final = 300
"""How far its clock may be ahead of ours."""

Prove: TypeAlias = Callable[[int, int], Sequence[bytes]]
"""From an old size and a new one to the proof of consistency."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A tree head of ours as it is shown: the signed note and what it says."""

    note: str
    head: TreeHead

    @classmethod
    def of(cls, note: str) -> "Shown":
        """Return the tree head that a note of ours is."""
        return cls(note, TreeHead.parse(notes.split(note)[0]))


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A line that was verified against the witness's key; `at` is the time inside it."""

    size: int
    line: str
    at: int


class Client:
    """One witness at one address."""

    def __init__(self, vkey: str, url: str, clock: Callable[[], float] = time.time) -> None:
        self._key = Key.parse(vkey)
        self._url = url.rstrip("/") + protocol.PATH
        self._clock = clock
        self._http = httpx.Client(
            timeout=TIMEOUT, trust_env=False, headers={"Accept-Encoding": "identity"}
        )

    def cosign(self, shown: Shown, known: int, prove: Prove) -> Cosigned:
        """Return the witness's line below a tree head; `known` is what it is thought to know.

        Raises:
            AwayError: it does not answer as a witness does.
            RefusedError: it does not sign for us.
            AheadError: it has signed a longer history than this one.
        """
        size = shown.head.size
        # That it knows more than we have is for it to say, not for a number that we kept.
        old = known if known <= size else 0
        for _ in range(MOST_CONFLICTS):
            if old > size:
                raise AheadError(old, size)
            proof = tuple(prove(old, size))
            status, body = self._post(Request(old, proof, shown.note).written())
            if status == HTTPStatus.OK:
                return self._verified(shown, body)
            if status != HTTPStatus.CONFLICT:
                raise _unsigned(status, body)
            try:
                old = protocol.size_said(body)
            except MalformedError as fault:
                raise AwayError(f"it names no size: {fault}") from fault
        raise AwayError("it names another size each time it is asked")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _post(self, body: bytes) -> tuple[int, bytes]:
        try:
            until = time.monotonic() + ANSWER_SECONDS
            with self._http.stream("POST", self._url, content=body) as answer:
                said = b""
                # As it comes: a little that unpacks to much is no answer either.
                for piece in answer.iter_raw():
                    said += piece
                    if time.monotonic() > until:
                        raise AwayError("its answer takes too long")
                    if len(said) > LARGEST_ANSWER:
                        raise AwayError("its answer has no end")
                return answer.status_code, said
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise AwayError(_away(fault)) from fault

    def _verified(self, shown: Shown, body: bytes) -> Cosigned:
        try:
            text = body.decode("utf-8")
            lines = [notes.parse_line(line) for line in text.splitlines()]
            found = notes.verify_lines(shown.head.text, lines, [self._key])
        except (NoteError, UnicodeDecodeError) as fault:
            raise AwayError(f"its answer is no cosignature: {fault}") from fault
        if not found or found[0].at is None:
            raise AwayError("it signs with another key than the one declared")
        if found[0].at > self._clock() + CLOCK_SECONDS:
            raise AwayError("its clock is ahead of ours")
        ours = next(line for line in lines if line.key_id == self._key.key_id)
        return Cosigned(shown.head.size, str(ours), found[0].at)


def _away(fault: Exception) -> str:
    if isinstance(fault, httpx.TimeoutException):
        words = "it does not answer in time"
    elif isinstance(fault, httpx.ConnectError):
        words = "it cannot be reached"
    else:
        words = "it gives no answer"
    why = re.sub(r"^\[Errno -?\d+\] ", "", str(fault))
    return f"{words} ({why})" if why else words


def _unsigned(status: int, body: bytes) -> AwayError | RefusedError:
    said = body[:200].decode("utf-8", "replace").strip()
    words = {
        HTTPStatus.NOT_FOUND: "it does not know this log",
        HTTPStatus.FORBIDDEN: "it does not know the key of this log",
        HTTPStatus.UNPROCESSABLE_ENTITY: "it has seen another history of this log",
        HTTPStatus.BAD_REQUEST: "it does not understand what it is asked",
    }
    if status in words:
        return RefusedError(f"{words[HTTPStatus(status)]} ({status}: {said})")
    return AwayError(f"it answers {status}: {said}")
