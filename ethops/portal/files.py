"""Files that come with a form: read whole or not at all, and what is wrong said beside the field.

Name and kind are somebody's word; the ticket keeps them as such, and nothing here opens a file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from adapters import conf, registry
from adapters.tickets.attachments import name_of
from adapters.tickets.beside import Attachment, File
from ethops.api.limits import CUT
from ethops.api.together import as_download
from ethops.portal import visitor
from ethops.portal.door import guarded
from ethops.portal.errors import NotYoursError

FIELD: Final = "the-files"
"""What the field is called: no field of a request model can have this name."""
MOST: Final = 5
"""Files of one form."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with a form: its files, or what is wrong with them."""

    files: tuple[File, ...] = ()
    fault: str = ""


def sent(request: HttpRequest) -> Sent:
    """Return the files of a form."""
    came = request.FILES.getlist(FIELD)
    scope: dict[str, Any] = getattr(request, "scope", {})
    fault = _too_much() if scope.get(CUT) else _fault(came)
    if fault:
        return Sent(fault=f"{fault} Choose your files again.")
    return Sent(tuple(File(one.name or "", one.content_type or "", one.read()) for one in came))


def asked(faults: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return the field as a page shows it: how much may come, and what was wrong with it."""
    most = filesizeformat(conf.largest_attachment_bytes())
    return {
        "name": FIELD,
        "help": f"{MOST} at most, together up to {most}. Whoever sees the ticket sees them.",
        "fault": " ".join(faults.get(FIELD, ())),
    }


def shown(ref: str) -> list[tuple[Attachment, str, str]]:
    """Return the public files of a ticket: each, its size, and where it is had."""
    return [
        (one, filesizeformat(one.size), reverse("portal:kept", args=[ref, one.n]))
        for one in registry.reader("tickets").attachments(ref)
        if one.visibility == "public"
    ]


@guarded
def kept(request: HttpRequest, ref: str, n: str) -> HttpResponse:
    """Return a file to be saved; a private one is as one that there is not."""
    _, ticket = visitor.at(request, ref)
    found = {one.n for one, _, _ in shown(ticket.ref)}
    if int(n) not in found:
        raise NotYoursError(f"There is no file {n} of {ref} for you.")
    return as_download(ticket.ref, int(n))


def _fault(came: Sequence["UploadedFile[Any]"]) -> str:
    if len(came) > MOST:
        return f"These are {len(came)} files; send {MOST} at a time."
    empty = [name_of(one.name or "") for one in came if not one.size]
    if empty:
        return f"{', '.join(empty)} {'is' if len(empty) == 1 else 'are'} empty."
    if sum(one.size or 0 for one in came) > conf.largest_attachment_bytes():
        return _too_much()
    return ""


def _too_much() -> str:
    most = filesizeformat(conf.largest_attachment_bytes())
    return f"This is more than {most}: send less, or keep it elsewhere and write where."
