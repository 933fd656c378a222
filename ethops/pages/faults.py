"""Pages for what went wrong; below /api/ the same as problem+json."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

from ethops.api import problems

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    if request.path.startswith(API):
        return problems.answer(400, "request.bad", "The request cannot be understood.")
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    if request.path.startswith(API):
        return problems.answer(403, "request.forbidden", "You may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    if request.path.startswith(API):
        return problems.not_found(request)
    return defaults.page_not_found(request, exception)


def fault(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 while the database is away; uses nothing that could fail again."""
    if request.path.startswith(API):
        return problems.fallback(request)
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        about = {
            "says": "PostgreSQL does not answer",
            "mend": "Nothing is lost: what was committed is on disk. "
            "No agent acts while it is away. Load this page again in a moment.",
        }
        return HttpResponse(
            render_to_string("500.html", about), status=503, headers={"Retry-After": "2"}
        )
    return HttpResponse(render_to_string("500.html"), status=500)
