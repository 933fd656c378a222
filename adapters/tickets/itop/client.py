"""One call to an iTop: an own connection, a deadline that holds between bytes, a typed answer.

A connection is not kept: iTop starts its framework for each call anyway, and a write on a kept one
that the server had closed would leave us unsure for nothing.
"""

import json
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import httpcore
import httpx
from typing_extensions import override

from adapters.text import storable_json
from adapters.tickets.itop.errors import (
    ItopError,
    ItopLoginError,
    ItopQueryError,
    ItopTooLargeError,
    ItopUnclearError,
    ItopUnreachableError,
    meaning,
)

VERSION: Final = "1.4"
CONNECTIONS: Final = 4
"""At once; iTop becomes slower, not faster, with more."""
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of an answer: a thousand tickets with their logs are far from it."""

LARGE: Final = 512 * 1024
"""Characters of a request; what is smaller is nowhere too large."""
_TOO_LARGE: Final = "iTop does not take {} bytes at once: {}"

_until: ContextVar[float] = ContextVar("_until")


@dataclass(frozen=True, slots=True)
class Found:
    """One object as iTop returned it; `fields` are those that were asked for."""

    itop_class: str
    id: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Removed:
    """What deleting an object does to one: it goes (0, 2), is changed (5), or stands in the way."""

    itop_class: str
    id: int
    code: int
    said: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call returned; `total` counts all that a query found, whatever the page holds."""

    objects: tuple[Found, ...]
    total: int


class Client:
    """Speaks iTop's REST; one per process, and threads may share it.

    The token is an Auth-Token, or the password of `user` where the iTop has no tokens: a password
    goes into the form, which no access log keeps and no web server takes away, as some do a header.
    """

    def __init__(
        self, address: str, token: str, *, user: str = "", deadline_s: float = 15.0
    ) -> None:
        self._url = address.rstrip("/") + "/webservices/rest.php"
        self._deadline_s = deadline_s
        self._login = {"auth_user": user, "auth_pwd": token} if user else {}
        self._http = httpx.Client(
            transport=_Transport(),
            headers={} if user else {"Auth-Token": token},
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def get(
        self, itop_class: str, key: object, fields: Iterable[str], *, limit: int = 0, page: int = 1
    ) -> Answer:
        """Return what the key finds: an id, criteria, or a query.

        Raises:
            ItopError: a subclass says what iTop answered, or that it did not.
        """
        paging = {"limit": limit, "page": page} if limit else {}
        return self._call(
            "core/get",
            {"class": itop_class, "key": key, "output_fields": _named(fields)} | paging,
        )

    def create(
        self, itop_class: str, values: Mapping[str, object], comment: str, fields: Iterable[str]
    ) -> Found:
        """Create an object.

        Raises:
            ItopUnclearError: it may have been created.
            ItopError: it was not.
        """
        return self._written(
            "core/create",
            {"class": itop_class, "fields": dict(values), "output_fields": _named(fields)},
            comment,
        )

    def update(
        self,
        itop_class: str,
        key: int,
        values: Mapping[str, object],
        comment: str,
        fields: Iterable[str],
    ) -> Found:
        """Set attributes of an object; iTop looks neither at its state nor at who else writes.

        Raises:
            ItopUnclearError: it may have been changed.
            ItopError: it was not.
        """
        said = {"key": key, "fields": dict(values), "output_fields": _named(fields)}
        return self._written("core/update", {"class": itop_class} | said, comment)

    def stimulate(
        self,
        itop_class: str,
        key: int,
        stimulus: str,
        values: Mapping[str, object],
        comment: str,
        fields: Iterable[str],
    ) -> Found:
        """Give an object a stimulus; iTop does not look whether the user may.

        Raises:
            ItopUnclearError: it may have been moved.
            ItopError: it was not.
        """
        said = {"key": key, "stimulus": stimulus, "fields": dict(values)}
        return self._written(
            "core/apply_stimulus",
            {"class": itop_class, "output_fields": _named(fields)} | said,
            comment,
        )

    def delete(
        self, itop_class: str, key: int, comment: str, *, simulate: bool = False
    ) -> tuple[Removed, ...]:
        """Delete an object, or say what that would do; whatever else it touches is among them.

        Raises:
            ItopHeldError: others would have to be deleted or changed by hand.
            ItopUnclearError: it may have been deleted.
            ItopError: it was not.
        """
        said = {"class": itop_class, "key": key, "comment": comment, "simulate": simulate}
        status, body = self._exchange(_form("core/delete", said))
        found = _accepted("core/delete", status, body).get("objects") or {}
        if not isinstance(found, dict):
            raise ItopUnclearError("The objects of an answer are no map.")
        return tuple(_removed(one) for one in found.values())

    def _written(self, operation: str, said: Mapping[str, object], comment: str) -> Found:
        answer = self._call(operation, {**said, "comment": comment})
        # A write that iTop did not carry out may be answered with code 0 and no object.
        if len(answer.objects) != 1:
            raise ItopUnclearError(f"{operation} returned {len(answer.objects)} objects, not one.")
        return answer.objects[0]

    def _call(self, operation: str, said: Mapping[str, object]) -> Answer:
        form = _form(operation, said)
        status, body = self._exchange(form)
        try:
            read = _accepted(operation, status, body)
        except (ItopLoginError, ItopQueryError, ItopUnclearError) as fault:
            # PHP drops a form beyond its post_max_size, the login in it too, and dies of one beyond
            # its memory_limit; MySQL hangs up on one beyond its max_allowed_packet.
            size = len(form["json_data"])
            if size > LARGE and status in (200, 500) and self._is_known():
                raise ItopTooLargeError(_TOO_LARGE.format(size, fault)) from fault
            raise
        return Answer(_objects(read.get("objects")), _total(str(read.get("message") or "")))

    def _is_known(self) -> bool:
        try:
            self.get("Person", "SELECT Person WHERE id = :current_contact_id", ("id",))
        except (ItopLoginError, ItopQueryError):
            return False
        return True

    def _exchange(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        held = _until.set(time.monotonic() + self._deadline_s)
        try:
            self._http.cookies.clear()
            said = {**self._login, **form}
            with self._http.stream("POST", self._url, data=said) as response:
                return response.status_code, _whole(response)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise ItopUnreachableError(f"No connection to iTop: {error}") from error
        except (httpcore.TimeoutException, httpx.TimeoutException) as error:
            late = f"iTop's answer was not whole after {self._deadline_s:g} s."
            raise ItopUnclearError(late) from error
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpx.TransportError,
            httpx.DecodingError,
        ) as error:
            raise ItopUnclearError(f"iTop's answer broke off: {error}") from error
        finally:
            _until.reset(held)


def _form(operation: str, said: Mapping[str, object]) -> dict[str, str]:
    return {
        "version": VERSION,
        "json_data": json.dumps({"operation": operation, **said}, ensure_ascii=False),
    }


def _named(fields: Iterable[str]) -> str:
    names = ",".join(fields)
    if not names or "*" in names:
        raise ItopQueryError("Every output field is named: all of them cost seventy times as much.")
    return names


def _whole(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > LARGEST:
            raise ItopUnclearError(f"iTop's answer is larger than {LARGEST} bytes.")
    return bytes(body)


def _accepted(operation: str, status: int, body: bytes) -> dict[str, Any]:
    if status == 413:
        raise ItopTooLargeError("iTop's web server says that the request is too large.")
    try:
        read = _read(body)
    except ValueError as error:
        beginning = body[:80].decode("utf-8", "replace")
        said = f"HTTP {status} and no JSON for {operation}: {beginning!r}"
        raise ItopUnclearError(said) from error
    if not isinstance(read, dict) or type(read.get("code")) is not int:
        raise ItopUnclearError(f"HTTP {status} and an answer without a code for {operation}.")
    if read["code"] != 0:
        raise meaning(read["code"], str(read.get("message") or ""))
    if status != 200:
        raise ItopUnclearError(f"HTTP {status} with code 0 for {operation}.")
    return read


def _read(body: bytes) -> Any:
    try:
        return storable_json(json.loads(body))
    except ValueError:
        # Where PHP shows its notices they stand before the answer, which is the last line.
        shown, _, last = body.rstrip().rpartition(b"\n")
        if not shown or not last.startswith(b"{"):
            raise
        return storable_json(json.loads(last))


def _objects(given: object) -> tuple[Found, ...]:
    # PHP writes an empty map as a list, and iTop none at all as null.
    if not given:
        return ()
    if not isinstance(given, dict):
        raise ItopUnclearError("The objects of an answer are no map.")
    return tuple(_found(one) for one in given.values())


def _found(one: object) -> Found:
    if not isinstance(one, dict):
        raise ItopUnclearError("An object of an answer is no map.")
    try:
        if one["code"] != 0:
            raise meaning(one["code"], str(one["message"]))
        return Found(str(one["class"]), int(one["key"]), dict(one["fields"] or {}))
    except ItopError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise ItopUnclearError(f"An object of an answer is not as iTop makes them: {error}") from (
            error
        )


def _removed(one: object) -> Removed:
    try:
        said: Any = one
        return Removed(
            str(said["class"]), int(said["key"]), int(said["code"]), str(said.get("message") or "")
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ItopUnclearError(f"An object of an answer is not as iTop makes them: {error}") from (
            error
        )


def _total(said: str) -> int:
    _, found, number = said.partition("Found: ")
    return int(number) if found and number.isdigit() else 0


class _Transport(httpx.BaseTransport):
    """A pool of connections whose every wait ends with the call's deadline."""

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=CONNECTIONS,
            max_keepalive_connections=0,
            network_backend=_Backend(),
        )

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": {"pool": _remaining()}},
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    @override
    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    @override
    def __iter__(self) -> Any:
        yield from self._answer.iter_stream()

    @override
    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore.SyncBackend):
    """Connects within the deadline, and hands out streams that keep to it."""

    @override
    def connect_tcp(self, *args: Any, **named: Any) -> httpcore.NetworkStream:
        return _Timed(super().connect_tcp(*args, **(named | {"timeout": _remaining()})))


class _Timed(httpcore.NetworkStream):
    """A connection on which no wait, however many there are, lasts beyond the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _remaining()
        if left <= 0:
            raise httpcore.ReadTimeout("over")
        return self._stream.read(max_bytes, left)

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = _remaining()
        if left <= 0:
            raise httpcore.WriteTimeout("over")
        self._stream.write(buffer, left)

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(self, *args: Any, **named: Any) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(*args, **(named | {"timeout": _remaining()})))

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _remaining() -> float:
    return max(_until.get() - time.monotonic(), 0.0)
