"""How people work together on a ticket: questions, files, watchers, and major incidents."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from adapters import registry
from adapters.errors import AdapterError
from adapters.tickets import majors, questions
from adapters.tickets.beside import File
from adapters.tickets.models import Ticket
from adapters.tickets.states import is_open
from ethops.api import acts
from ethops.api.together import as_download
from ethops.desk.major import next_update
from ethops.pages.words import Moment
from ethops.world import review, tickets


class AnswerForm(forms.Form):
    """One of the words that answer a question."""

    n = forms.IntegerField(min_value=1, max_value=99)
    word = forms.CharField(max_length=20)
    key = forms.UUIDField()


class WatchForm(forms.Form):
    """A login, or an address of mail."""

    who = forms.CharField(
        max_length=254, error_messages={"required": "Write a login, or an address of mail."}
    )
    key = forms.UUIDField()


class MajorForm(forms.Form):
    """Why the incident is a major one."""

    why = forms.CharField(
        max_length=300, error_messages={"required": "Say why it is a major incident."}
    )
    key = forms.UUIDField()


class KeyForm(forms.Form):
    """Nothing but the wish."""

    key = forms.UUIDField()


class FileForm(forms.Form):
    """A file to be kept with the ticket."""

    file = forms.FileField(
        max_length=200,
        error_messages={"required": "Choose a file.", "empty": "This file is empty."},
    )
    private = forms.BooleanField(required=False)
    key = forms.UUIDField()


FORMS: Final[Mapping[str, type[forms.Form]]] = {
    "answer": AnswerForm,
    "watch": WatchForm,
    "unwatch": WatchForm,
    "major": MajorForm,
    "lead": KeyForm,
    "end_major": KeyForm,
}
"""What a person may press -> the form that is read."""


def _answer(person: str, ref: str, said: dict[str, Any]) -> str:
    acts.answer(ref=ref, n=said["n"], word=said["word"], person=person, key=said["key"])
    return f"Q{said['n']} is answered: {said['word']}. The agents go on with it."


def _watch(person: str, ref: str, said: dict[str, Any]) -> str:
    acts.watch(ref=ref, who=said["who"].strip(), person=person, key=said["key"])
    return f"{ref} is watched by {said['who']} now."


def _unwatch(person: str, ref: str, said: dict[str, Any]) -> str:
    acts.unwatch(ref=ref, who=said["who"].strip(), person=person, key=said["key"])
    return f"{ref} is watched by {said['who']} no more."


def _major(person: str, ref: str, said: dict[str, Any]) -> str:
    acts.declare_major(ref=ref, person=person, why=said["why"], lead="", key=said["key"])
    return f"{ref} is a major incident, and you lead it. Agents only look there."


def _lead(person: str, ref: str, said: dict[str, Any]) -> str:
    acts.lead_major(ref=ref, person=person, lead="", key=said["key"])
    return f"You lead {ref}."


def _end(person: str, ref: str, said: dict[str, Any]) -> str:
    acts.end_major(ref=ref, person=person, key=said["key"])
    return f"{ref} is a major incident no more. Agents may act on it as ever."


DONE: Final[Mapping[str, Callable[[str, str, dict[str, Any]], str]]] = {
    "answer": _answer,
    "watch": _watch,
    "unwatch": _unwatch,
    "major": _major,
    "lead": _lead,
    "end_major": _end,
}
"""What a person may press -> what it does; returns what is said of it."""


def content(of: Ticket, now: datetime) -> dict[str, Any]:
    """Return what is shown beside a ticket."""
    reader = registry.reader("tickets")
    return {
        "asked": questions.of_ticket(of.ref),
        "files": [
            (one, filesizeformat(one.size), reverse("admin:attachment", args=[of.ref, one.n]))
            for one in reader.attachments(of.ref)
        ],
        "watchers": [one.person or one.address for one in reader.watchers(of.ref)],
        "major": _shown_major(of, now),
        "may_be_major": of.ticket_class == "incident" and is_open(of.state) and not of.parent_id,
    }


def _shown_major(of: Ticket, now: datetime) -> dict[str, Any] | None:
    """Return what is to be said of the major incident that a ticket is, or is a part of."""
    found = majors.of_ticket(of.ref) or (majors.of_ticket(of.parent_id) if of.parent_id else None)
    if found is None:
        return None
    due = next_update(found, registry.reader("tickets").worklog(found.ref))
    return {
        "ref": found.ref,
        "own": found.ref == of.ref,
        "lead": found.lead,
        "over": found.is_over,
        "criteria": found.criteria,
        "due": Moment(due, now),
        "late": not found.is_over and due <= now,
        "minutes": found.update_minutes,
        "since": Moment(found.declared_at, now),
        "review": reverse("admin:review", args=[found.ref]),
    }


def attach(request: HttpRequest, context: dict[str, Any], ref: str) -> HttpResponse:
    """Keep the file that a person sends."""
    if tickets.ticket(ref) is None:
        raise Http404(f"There is no ticket {ref}.")
    form = FileForm(request.POST, request.FILES)
    del context
    if request.method == "POST" and form.is_valid():
        _attach(request, ref, form.cleaned_data)
    elif request.method == "POST":
        said = next(iter(form.errors.values()))[0]
        messages.error(request, f"Not done: {said}")
    return HttpResponseRedirect(reverse("admin:ticket", args=[ref]))


def _attach(request: HttpRequest, ref: str, said: dict[str, Any]) -> None:
    sent, key = said["file"], UUID(str(said["key"]))
    try:
        acts.attach(
            ref=ref,
            file=File(sent.name or "", sent.content_type or "", sent.read()),
            person=request.user.get_username(),
            visibility="private" if said["private"] else "public",
            key=key,
        )
    except AdapterError as fault:
        messages.error(request, f"Not done: {fault} {fault.hint}")
        return
    messages.success(request, f"{ref} keeps {sent.name} now.")


def file(request: HttpRequest, ref: str, n: str) -> HttpResponse:
    """Return a file to be saved."""
    del request
    try:
        return as_download(ref, int(n))
    except AdapterError as fault:
        raise Http404(str(fault)) from fault


def shown_review(request: HttpRequest, context: dict[str, Any], ref: str) -> HttpResponse:
    """Draw the review of a major incident, or return it as Markdown."""
    now = timezone.now()
    found = review.review(ref, now)
    if found is None:
        raise Http404(f"{ref} never was a major incident.")
    if "markdown" in request.GET:
        text = "\n".join(review.markdown(found)) + "\n"
        headers = {"Content-Disposition": f'attachment; filename="{ref}-review.md"'}
        return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)
    about = {
        **context,
        "title": f"Review of {ref}",
        "review": found,
        "lines": [
            (Moment(one.told.at, now), one.ref, review.sentence(one.told)) for one in found.timeline
        ],
    }
    return TemplateResponse(request, "desk/review.html", about)
