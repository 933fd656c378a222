"""Posting to a place on the web: its answer is bounded in size and in time."""

import time
from typing import Final

import httpx

from audit.anchors.anchor import TIMEOUT_SECONDS, AnchorError

ANSWER_SECONDS: Final = 60.0
"""For a whole answer: each piece of it may come within its time, and the end never."""


def posted(url: str, body: bytes, headers: dict[str, str], *, most: int) -> bytes:
    """Return what a place answers to a body, at most so many bytes.

    Raises:
        AnchorError: it is away, refuses, or its answer has no end.
    """
    said, until = b"", time.monotonic() + ANSWER_SECONDS
    # As it comes: a little that unpacks to much is no answer either.
    headers = {**headers, "Accept-Encoding": "identity"}
    try:
        with httpx.stream(
            "POST", url, content=body, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
        ) as answer:
            answer.raise_for_status()
            for piece in answer.iter_raw():
                said += piece
                if len(said) > most or time.monotonic() > until:
                    raise AnchorError(f"{url}: its answer has no end")
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        raise AnchorError(f"{url}: {type(fault).__name__}: {fault}") from fault
    return said
