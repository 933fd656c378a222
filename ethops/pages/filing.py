"""New tickets: what may be filed here, and a form for each of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from adapters.errors import AdapterError
from adapters.registry import reader
from adapters.tickets.catalogue import fields_of
from adapters.tickets.errors import UnknownModelError
from adapters.tickets.fields import Field
from adapters.tickets.form_fields import filed
from adapters.tickets.items import RequestModel
from adapters.tickets.port import Deed, TicketClass
from adapters.tickets.states import FILERS
from ethops.api import acts
from ethops.pages.asked import asked

CLASSES = {
    "incident": ("Incident", "Something does not work as it should."),
    "problem": ("Problem", "The cause behind incidents is to be found."),
    "change": ("Change", "Something is to be changed, with a plan and a way back."),
}
"""Class -> what it is called, and when one files it; requests stand in the catalogue."""

AT_FIRST: Mapping[str, object] = {"impact": "2", "urgency": "2"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form for one kind of ticket."""

    title: str
    intro: str
    fields: tuple[Field, ...]
    model: RequestModel | None = None


def choice(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw what may be filed."""
    person = request.user.get_username()
    roles = acts.vouched(person).roles | {"requester"}
    about = {
        **context,
        "title": "New ticket",
        "classes": [
            (reverse("admin:file_class", args=[name]), *words)
            for name, words in CLASSES.items()
            if FILERS[cast("TicketClass", name)] & roles
        ],
        "models": [
            (reverse("admin:file_request", args=[one.slug]), one.title, one.description)
            for one in reader("tickets").catalogue()
        ],
    }
    return TemplateResponse(request, "desk/file_choice.html", about)


def ticket(request: HttpRequest, context: dict[str, Any], what: str) -> HttpResponse:
    """Draw or read the form of a class."""
    title, intro = CLASSES[what]
    sheet = Sheet(f"New {title.lower()}", intro, filed(what))
    return _shown(request, context, sheet, what)


def item(request: HttpRequest, context: dict[str, Any], slug: str) -> HttpResponse:
    """Draw or read the form of an item of the catalogue."""
    found = next((one for one in reader("tickets").catalogue() if one.slug == slug), None)
    if found is None:
        raise Http404("The catalogue has no such item.")
    fields = (*fields_of(found.fields), *filed("request"))
    return _shown(request, context, Sheet(found.title, found.description, fields, found), "request")


def _shown(request: HttpRequest, context: dict[str, Any], sheet: Sheet, what: str) -> HttpResponse:
    said: Mapping[str, object] = AT_FIRST
    faults: Mapping[str, list[str]] = {}
    refusal = ""
    if request.method == "POST":
        said = {one.name: request.POST.get(one.name) for one in sheet.fields}
        try:
            deed = _filed(request, sheet, what, said)
        except UnknownModelError as fault:
            raise Http404(str(fault)) from fault
        except AdapterError as fault:
            faults = getattr(fault, "errors", None) or {}
            refusal = "" if faults else f"{fault} {fault.hint}"
        else:
            messages.success(request, f"{deed.ref} is filed.")
            return HttpResponseRedirect(reverse("admin:ticket", args=[deed.ref]))
    about = {
        **context,
        "title": sheet.title,
        "sheet": sheet,
        "fields": asked(sheet.fields, said, faults),
        "wrong": sum(1 for one in sheet.fields if one.name in faults),
        "refusal": refusal,
        "key": request.POST.get("key") or uuid4(),
    }
    return TemplateResponse(
        request, "desk/file.html", about, status=422 if faults or refusal else 200
    )


def _filed(request: HttpRequest, sheet: Sheet, what: str, said: Mapping[str, object]) -> Deed:
    person, key = request.user.get_username(), _key(request)
    if sheet.model is None:
        return acts.file_ticket(
            person=person, ticket_class=cast("TicketClass", what), said=said, key=key
        )
    answers = {name: value for name, value in said.items() if name != "requester"}
    return acts.file_request(
        person=person,
        model=sheet.model.slug,
        answers=answers,
        requester=said.get("requester"),
        key=key,
    )


def _key(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()
