"""Django behind ASGI, one request one thread from the first middleware to the view."""

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class OneThread(ASGIHandler):
    """Answers as WSGI would; only what is streamed is awaited.

    All our middleware and views are synchronous. Django's own handler goes back to the event loop
    and to another thread for each middleware that could be asynchronous.
    """

    def __init__(self) -> None:
        # Not ASGIHandler's, which builds the chain for asynchronous servers.
        super(ASGIHandler, self).__init__()
        self.load_middleware()

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in the request's own thread, which its connection to the database belongs to."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
