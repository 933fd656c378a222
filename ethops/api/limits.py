"""A bound on request bodies before anything is read: Django would spool a body of any size."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from ethops.api import problems

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[..., Awaitable[None]]

LARGEST_BODY: Final = 4 * 1024 * 1024
UPLOADS: Final = re.compile(r"/attachments/?\Z")
"""Addresses that take files, which may be larger; what is said beside them is not."""
FORM_BYTES: Final = 256 * 1024
"""What a form may hold besides its file."""
FORMS: Final = re.compile(r"\A/portal/(?:new/(?:[^/]+/)?|tickets/[^/]+/)\Z")
"""Forms with files: of one too large the beginning is read, so that its page can say so."""
DRAINED: Final = 64 * 1024 * 1024
"""So much more of it is heard and thrown away: a browser listens once it has said all."""
CUT: Final = "ethops.cut"
"""In the scope of a request whose body was cut off."""


class BodyLimit:
    """Refuses a body that says it is too large with 413, and cuts off one that lies about it."""

    def __init__(self, app: App, limit: int = LARGEST_BODY, upload: int = 0) -> None:
        self.app = app
        self.limit = limit
        self.upload = upload or limit

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Let the application see no more of a body than the limit and one byte."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope.get("path", "")
        drained = DRAINED if FORMS.search(path) else 0
        limit = self.upload if drained or UPLOADS.search(path) else self.limit
        if self._says(scope) > limit + drained:
            await self._refuse(send, limit)
        else:
            await self.app(scope, self._counted(scope, receive, limit, drained), send)

    def _says(self, scope: MutableMapping[str, Any]) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value)
        return 0

    def _counted(
        self, scope: MutableMapping[str, Any], receive: Receive, limit: int, drained: int
    ) -> Receive:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            # What still comes after the cut is no news: Django waits for the end of the connection.
            while taken > limit and message["type"] == "http.request":
                message = await receive()
            body = message.get("body", b"")
            before, taken = taken, taken + len(body)
            if taken <= limit or message["type"] != "http.request":
                return message
            scope[CUT] = True
            over, more = taken - limit, message.get("more_body", False)
            while more and over < drained:
                rest = await receive()
                over += len(rest.get("body", b""))
                more = rest["type"] == "http.request" and rest.get("more_body", False)
            # One byte more than the limit is enough for the view to answer 413.
            return {**message, "body": body[: limit + 1 - before], "more_body": False}

        return counted

    async def _refuse(self, send: Send, limit: int) -> None:
        refusal = problems.answer(413, "desk.too_large", f"More than {limit} bytes in one request.")
        body = refusal.content
        headers = [
            (b"content-type", problems.CONTENT_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})
