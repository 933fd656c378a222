"""Home: what waits for you, your tickets, and what you may ask for."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from adapters.registry import reader
from adapters.tickets.models import Ticket
from ethops.pages.words import Moment
from ethops.portal import reading, words
from ethops.portal.door import for_account, frame
from ethops.portal.visitor import Visitor

MOST_PAGES = 500


@for_account
def home(request: HttpRequest, here: Visitor) -> HttpResponse:
    """Draw it."""
    page = _page(request)
    found = reading.own(here, page=page)
    about = {
        **frame(here),
        "title": "Help desk",
        "waits": _rows(found.waits),
        "decides": _rows(found.decides),
        "open": _rows(found.open),
        "over": _rows(found.over),
        "later": page - 1 if page else None,
        "earlier": page + 1 if found.more else None,
        "offers": [
            (reverse("portal:request", args=[one.slug]), one.title, one.description)
            for one in reader("tickets").catalogue()
        ],
    }
    return TemplateResponse(request, "portal/home.html", about)


def _page(request: HttpRequest) -> int:
    said = request.GET.get("page", "0")
    return min(int(said), MOST_PAGES) if said.isascii() and said.isdigit() and len(said) < 6 else 0


def _rows(tickets: list[Ticket]) -> list[dict[str, object]]:
    now = timezone.now()
    return [
        {
            "href": reverse("portal:ticket", args=[one.ref]),
            "ref": one.ref,
            "title": one.title,
            "state": words.state(one.state),
            "at": Moment(one.opened_at, now),
            "who": one.requester,
        }
        for one in tickets
    ]
