"""New tickets: a form each, everything wrong said at once, and nothing typed is lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from adapters.errors import AdapterError
from adapters.tickets.catalogue import fields_of
from adapters.tickets.errors import DraftRefusedError, UnknownModelError
from adapters.tickets.fields import Field
from adapters.tickets.port import Deed, TicketDraft
from ethops.desk import filing
from ethops.pages.asked import asked
from ethops.portal import acts, files
from ethops.portal.door import for_account, frame
from ethops.portal.errors import NotYoursError, TooOftenError
from ethops.portal.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form, and the ticket that comes of it."""

    title: str
    intro: str
    fields: tuple[Field, ...]
    draft: Callable[[Mapping[str, object]], TicketDraft]
    approver: str = ""


@for_account
def incident(request: HttpRequest, here: Visitor) -> HttpResponse:
    """Something does not work."""
    sheet = Sheet(
        "Something does not work",
        "Say it as you would say it to a colleague. You can add more later.",
        acts.INCIDENT,
        lambda said: acts.incident(here, said),
    )
    return _shown(request, here, sheet)


@for_account
def item(request: HttpRequest, here: Visitor, slug: str) -> HttpResponse:
    """Something out of the service catalogue is wished for."""
    try:
        found = filing.model(slug)
    except UnknownModelError as fault:
        raise NotYoursError("Nothing of this name is on offer.") from fault
    sheet = Sheet(
        found.title,
        found.description,
        fields_of(found.fields),
        lambda said: acts.request(here, slug, said),
        found.approver_role,
    )
    return _shown(request, here, sheet)


def _shown(request: HttpRequest, here: Visitor, sheet: Sheet) -> HttpResponse:
    said: Mapping[str, object] = {}
    faults: Mapping[str, list[str]] = {}
    refusal, status = "", 200
    if request.method == "POST":
        said = {one.name: request.POST.get(one.name) for one in sheet.fields}
        try:
            deed = _filed(request, here, sheet, said)
        except AdapterError as fault:
            faults = getattr(fault, "errors", None) or {}
            refusal, status = ("" if faults else f"{fault} {fault.hint}"), 422
        except TooOftenError as fault:
            refusal, status = f"{fault} {fault.hint}", fault.status
        else:
            messages.success(request, f"We have it: {deed.ref}. You can follow it here.")
            return HttpResponseRedirect(reverse("portal:ticket", args=[deed.ref]))
    about = {
        **frame(here),
        "title": sheet.title,
        "sheet": sheet,
        "fields": asked(sheet.fields, said, faults),
        "files": files.asked(faults),
        "wrong": len(faults),
        "refusal": refusal,
        "key": request.POST.get("key") or uuid4(),
    }
    return TemplateResponse(request, "portal/file.html", about, status=status)


def _filed(request: HttpRequest, here: Visitor, sheet: Sheet, said: Mapping[str, object]) -> Deed:
    """File it with what came with it; what is wrong with files is said with all else."""
    came = files.sent(request)
    wrong: dict[str, str] = {files.FIELD: came.fault} if came.fault else {}
    try:
        draft = sheet.draft(said)
    except DraftRefusedError as fault:
        faults = {name: " ".join(said) for name, said in fault.errors.items()}
        raise DraftRefusedError(str(fault), faults | wrong) from fault
    if wrong:
        raise DraftRefusedError("Some fields need a change.", wrong)
    return acts.file(here, draft, key_of(request), came.files)


def key_of(request: HttpRequest) -> UUID:
    """Return the key of a form, which makes a second press of its button harmless."""
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()
