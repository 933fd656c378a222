"""Parts of a page that keep themselves fresh: a fragment with an ETag, or 304."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render

from ethops.world import change


def tag(request: HttpRequest, about: str) -> str:
    """Return the ETag of what this person is shown about a thing."""
    return change.mark(about, request.user.pk)


def part(
    request: HttpRequest, template: str, about: str, content: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """Answer 304 where nothing changed, else the fragment; the content is made only then."""
    now = tag(request, about)
    if request.headers.get("If-None-Match") == now:
        return HttpResponseNotModified(headers={"ETag": now})
    answer = render(request, template, content())
    answer.headers["ETag"] = now
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
