"""The door itself: who may not come in is told so in plain words, and it is on record."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeAlias

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from adapters.text import one_line
from audit.ledger import pending
from ethops.guests.errors import GuestError, SpentLinkError
from ethops.portal import bounds, errors, visitor
from ethops.portal.errors import PortalError
from ethops.portal.visitor import Visitor

View: TypeAlias = Callable[..., HttpResponse]

REFUSED: Final = {
    GuestError: errors.BadLinkError,
    SpentLinkError: errors.SpentLinkError,
}
"""What a link is refused with -> what this door answers."""


def guarded(view: View) -> View:
    """Turn refusals of a view into pages, on record; nothing of it is kept by caches."""

    @wraps(view)
    def inner(request: HttpRequest, **place: Any) -> HttpResponse:
        try:
            return view(request, **place)
        except PortalError as fault:
            return refused(request, fault)
        except GuestError as fault:
            return refused(request, REFUSED.get(type(fault), errors.BadLinkError)(str(fault)))

    return never_cache(inner)


def for_account(view: Callable[..., HttpResponse]) -> View:
    """Let in who has logged in; whoever has not is asked to, and comes back afterwards."""

    @wraps(view)
    def inner(request: HttpRequest, **place: Any) -> HttpResponse:
        here = visitor.account(request)
        if here is not None:
            return view(request, here, **place)
        if request.user.is_authenticated:
            raise errors.NoGuestError(f"{request.user.get_username()} may not come in here.")
        after = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{reverse('portal:login')}?{after}")

    return guarded(inner)


def address(request: HttpRequest) -> str:
    """Return where somebody comes from, as the server says."""
    return str(request.META.get("REMOTE_ADDR") or "nowhere")


def refused(request: HttpRequest, fault: PortalError) -> HttpResponse:
    """Draw a refusal."""
    tell(request, fault)
    wait = getattr(fault, "wait", 0)
    about = {
        **frame(visitor.account(request)),
        "title": TITLES.get(fault.status, "Not here"),
        "says": str(fault),
        "mend": fault.hint,
    }
    answer = TemplateResponse(request, "portal/refused.html", about, status=fault.status)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


TITLES: Final = {403: "Not any more", 404: "There is nothing here", 429: "Too often"}


def tell(request: HttpRequest, fault: PortalError) -> None:
    """Put a refusal on record, so many of one address; how many more there were is counted."""
    place = address(request)
    if bounds.TOLD.knock(place):
        return
    here = visitor.account(request)
    pending.note(
        kind="event.refused_guest",
        subject=_place(request),
        body={
            "door": "portal",
            "code": fault.code,
            "address": one_line(place, 64),
            "person": here.person if here else "",
        },
    )


def _place(request: HttpRequest) -> str:
    """Return what was asked for; never the address, which may hold a secret."""
    found = request.resolver_match
    return str(found.kwargs.get("ref", found.url_name)) if found else "portal"


def frame(here: Visitor | None) -> dict[str, Any]:
    """Return what every page of the portal shows."""
    return {"visitor": here}
