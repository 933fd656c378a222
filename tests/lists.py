"""Every list of the desk, the portal and the API, as the code has them; needs Django set up."""

from collections.abc import Iterator
from typing import Final

from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Model
from django.urls import URLPattern

from ethops.api.routes import SHELVES
from ethops.pages import site
from tests.crowd import REQUESTER

PAGE: Final = 50
"""Rows of a page, at the desk and by the API."""

OPEN: Final = 20
"""One of so many tickets of the crowd is open."""

TICKET_PAGES: Final = (
    "?show=all", "?show=mine", "?show=asked", "?show=waits", "?show=settled",
    "?show=all&ticket_class__exact=request", "?show=all&priority__exact=P1&q=host-8",
    "?q=INC-00", "?show=all&q=host-7", "?show=all&q=ci-7", "?show=all&q=nowhere", "?q=service",
    "?show=all&q=service", "?show=all&o=2",
    "?show=all&o=-7", "?show=all&p={last}", "?show=settled&p={middle}", "?p={open}",
)  # fmt: skip
"""Tickets as people look at them: by standing, filtered, searched, sorted, far down."""

TICKET_LISTS: Final = (
    "?state=closed", "?priority=P1", "?ticket_class=request", "?team=people", "?assignee=otto",
    f"?requester={REQUESTER}", "?service=none", "?ci=ci-7", "?parent_ref=INC-00007",
    "?opened_after=2020-01-01T00:00:00Z", "?limit=200&offset={deep}", "?limit=200",
    "?state=closed&limit=200&offset={half}",
)  # fmt: skip
"""The same by the API."""


def desk(tickets: int) -> Iterator[str]:
    """Return every list that is seen at the desk, where there are so many tickets."""
    pages = {"last": 1, "middle": 2, "open": OPEN}
    places = {name: max(1, tickets // PAGE // share) for name, share in pages.items()}
    ours, theirs = (
        {one.name: str(one.pattern) for one in urls if isinstance(one, URLPattern)}
        for urls in (site.desk.get_urls(), AdminSite.get_urls(site.desk))
    )
    yield "/"
    yield from (f"/{ours[name]}" for name in ours.keys() - theirs if "<" not in ours[name])
    for model, how in site.desk._registry.items():
        yield from _changelists(model, how)
    yield from (f"/tickets/ticket/{one.format(**places)}" for one in TICKET_PAGES)
    yield "/handover/?hours=168"


def _changelists(model: type[Model], how: ModelAdmin[Model]) -> Iterator[str]:
    facts = model._meta
    place = f"/{facts.app_label}/{facts.model_name}/"
    yield place
    yield f"{place}?p=2"
    if how.search_fields:
        yield f"{place}?q=host-77"


def api(tickets: int) -> Iterator[str]:
    """Return every list of the API, with its far end."""
    places = {"deep": max(1, tickets - 200), "half": tickets // 2}
    for name, shelf in SHELVES.items():
        yield f"/api/v1/{name}"
        paging: frozenset[str] = getattr(shelf.pagination_class, "parameters", frozenset())
        yield f"/api/v1/{name}?limit=200"
        if "offset" in paging:
            yield f"/api/v1/{name}?limit=50&offset={places['half']}"
    yield from (f"/api/v1/tickets{one.format(**places)}" for one in TICKET_LISTS)


PORTAL: Final = ("/portal/", "/portal/?page=3", "/portal/?page=400")
"""What a requester sees of his own."""
