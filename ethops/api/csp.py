"""The wall around pages that show strangers' text: nothing inline, nothing from other hosts."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class ContentSecurityPolicy:
    """Puts the headers on every answer; outermost, so that error pages carry them too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with the headers."""
        return walled(self.get_response(request))


def walled(answer: HttpResponseBase) -> HttpResponseBase:
    """Set the headers that the answer does not set itself."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer
