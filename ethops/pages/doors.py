"""The API for people: every address of it in a sentence, and how a program gets in."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Door:
    """One address and what comes of calling it; `href` where a browser may simply look."""

    method: str
    path: str
    says: str
    href: str


@require_safe
def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw them."""
    about = {
        **context,
        "title": "API",
        "shelves": shelves().items(),
        "schema": reverse("api:schema"),
        "tokens": reverse("admin:authtoken_tokenproxy_changelist"),
        "may_make": request.user.has_perm("authtoken.add_tokenproxy"),
        "example": request.build_absolute_uri(reverse("api:tickets-list")),
    }
    return TemplateResponse(request, "desk/doors.html", about)


@cache
def shelves() -> Mapping[str, list[Door]]:
    """Return every door by its shelf, from the document that programs read."""
    found: dict[str, list[Door]] = {}
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    for path, calls in document["paths"].items():
        for method in METHODS:
            if method in calls:
                shelf = found.setdefault(calls[method]["tags"][0], [])
                says = calls[method].get("description", "").split("\n\n")[0]
                # A list and one of its rows are one view, with one sentence.
                again = path.endswith("}") and any(one.says == says for one in shelf)
                shelf.append(_door(method, path, "One of them." if again else says))
    return found


def _door(method: str, path: str, says: str) -> Door:
    looks = method == "get" and "{" not in path
    return Door(method.upper(), path, says, path if looks else "")
