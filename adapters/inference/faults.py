"""What may come of a call to a model server, in the contract's words, and held against reason."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import httpcore
import httpx

from adapters.inference.errors import (
    BusyError,
    CutStreamError,
    MalformedStreamError,
    OverDeadlineError,
    ServerSaidError,
    UnknownModelError,
    UnreachableError,
)
from adapters.inference.wire import Call, Terms
from adapters.text import one_line

_MOST: Final = 2**31 - 1


@contextmanager
def typed(url: str, call: Call, terms: Terms) -> Iterator[None]:
    """Close the call in any case, and say every fault in the contract's words.

    Raises:
        ModelServerError: the kind that fits what came, or did not.
    """
    try:
        yield
    except httpx.HTTPStatusError as error:
        raise said(error.response.text, error.response.status_code) from error
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise _broken(url, terms, error) from error
    except (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise UnreachableError(f"{url!r} is no address of a server.") from error
    except (httpx.HTTPError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise _garbage(url, error) from error
    except RecursionError as error:
        raise MalformedStreamError(f"{url} sent JSON nested too deep.") from error
    finally:
        call.close()


def said(error: object, status: int) -> ServerSaidError:
    """Return the server's own words as the error that fits its status; -1 is a line in a stream."""
    words = one_line(str(error), 500) or "no reason given"
    if status == httpx.codes.NOT_FOUND:
        return UnknownModelError(words, status)
    if status in (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS):
        return BusyError(words, status)
    return ServerSaidError(words, 200 if status < 0 else status)


def _garbage(url: str, error: Exception) -> MalformedStreamError:
    return MalformedStreamError(f"{url} sent what is no answer: {one_line(str(error), 200)}")


def _broken(
    url: str, terms: Terms, error: Exception
) -> UnreachableError | CutStreamError | OverDeadlineError:
    what = one_line(str(error), 200) or type(error).__name__
    if terms.answered:
        return CutStreamError(f"{url} broke off: {what}")
    if isinstance(error, httpcore.WriteTimeout | httpcore.ReadTimeout):
        return OverDeadlineError(f"{url} took nothing in: {what}")
    return UnreachableError(f"No answer from {url}: {what}")


def vectors(found: Sequence[Sequence[float]], wanted: int) -> tuple[tuple[float, ...], ...]:
    """Return one vector per input, all of one length and finite.

    Raises:
        MalformedStreamError: they are not.
    """
    made = tuple(tuple(vector) for vector in found)
    if len(made) != wanted:
        raise MalformedStreamError(f"{len(made)} vectors came for {wanted} inputs.")
    lengths = {len(vector) for vector in made}
    if len(lengths) > 1 or 0 in lengths:
        raise MalformedStreamError("The vectors are empty or of different lengths.")
    if not all(map(math.isfinite, (x for vector in made for x in vector))):
        raise MalformedStreamError("A vector holds what is no finite number.")
    return made


def count(value: int | None) -> int:
    """Return a count as a row can keep it, and never below nought."""
    return min(max(value or 0, 0), _MOST)
