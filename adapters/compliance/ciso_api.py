"""Reading of a CISO Assistant over its REST API: bounded, without redirects, every fault typed."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from adapters.compliance.errors import AssessmentsError
from adapters.text import one_line

SECONDS: Final = 20.0
ALL_SECONDS: Final = 60.0
"""For everything that is read in one round."""
MOST_BYTES: Final = 16 * 1024 * 1024
PAGE: Final = 100
MOST_PAGES: Final = 40
LATE: Final = "The answer has no end in time."
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Api:
    """Its API for one round, by a token that goes nowhere else; nothing is ever written."""

    def __init__(self, url: str, token: str, *, seconds: float = ALL_SECONDS) -> None:
        try:
            split = urlsplit(url)
        except ValueError as fault:
            raise AssessmentsError(f"{url!r}: {fault}") from fault
        if split.scheme != "https" and split.hostname not in LOOPBACK:
            raise AssessmentsError(f"{url!r}: a token is sent over https alone.")
        self._root = f"{url.rstrip('/')}/api"
        self._headers = {"Accept": "application/json", "Authorization": f"Token {token}"}
        self._until = time.monotonic() + seconds

    def get(self, path: str, **params: str | int) -> Any:
        """Return what lies at a path.

        Raises:
            AssessmentsError: it does not answer in time, not with success, or not with JSON.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise AssessmentsError(f"GET {path}: {LATE}")
        try:
            with (
                httpx.Client(
                    headers=self._headers,
                    timeout=min(SECONDS, left),
                    follow_redirects=False,
                    trust_env=False,
                ) as client,
                client.stream("GET", f"{self._root}{path}", params=params or None) as answer,
            ):
                said = _bounded(answer, self._until)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            # A wait that the round's end cut short is the round's fault, and not that wait's.
            late = isinstance(fault, httpx.TimeoutException) and time.monotonic() >= self._until
            what = LATE if late else one_line(str(fault), 200) or type(fault).__name__
            raise AssessmentsError(f"GET {path}: {what}") from fault
        if answer.status_code != httpx.codes.OK:
            told = one_line(said[:300].decode("utf-8", "replace"), 200)
            raise AssessmentsError(f"GET {path}: {answer.status_code} {told}")
        try:
            return json.loads(said)
        except (ValueError, RecursionError) as fault:
            raise AssessmentsError(f"GET {path} answered what is no JSON.") from fault

    def pages(self, path: str, **params: str | int) -> Iterator[Any]:
        """Yield all of a list, by limit and offset; what its `next` names is not followed.

        Raises:
            AssessmentsError: it ends before or after as many as it counts: half of it says little.
        """
        seen = 0
        for _ in range(MOST_PAGES):
            page = self.get(path, limit=PAGE, offset=seen, **params)
            try:
                count, items = int(page["count"]), list(page["results"])
            except (LookupError, TypeError, ValueError, OverflowError) as fault:
                raise AssessmentsError(f"{path} is no list of pages.") from fault
            yield from items
            seen += len(items)
            if seen == count:
                return
            if not items or seen > count:
                raise AssessmentsError(f"{path} counts {count} and gave {seen}.")
        raise AssessmentsError(f"{path} has more than {MOST_PAGES} pages.")


def _bounded(answer: httpx.Response, until: float) -> bytes:
    said = bytearray()
    for part in answer.iter_bytes():
        said += part
        if len(said) > MOST_BYTES:
            raise AssessmentsError(f"The answer is over {MOST_BYTES} bytes.")
        # Each wait is bounded by httpx; that many short ones have an end is seen to here.
        if time.monotonic() > until:
            raise AssessmentsError(LATE)
    return bytes(said)
