"""The stop: what it will stop, what it cannot call back, one reason, one button."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from ethops.api import acts
from ethops.pages.words import count, listed
from ethops.world import runs

LONGEST: Final = 2000
FORBIDDEN: Final = "You may not resume; ask somebody who may."


class LiftForm(forms.Form):
    """Why it may go on; that needs a reason, to stop needs none."""

    why = forms.CharField(
        max_length=LONGEST, error_messages={"required": "Say why it is safe to go on."}
    )


def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the page, or press or lift the stop."""
    pressed = context["desk"].stop.pressed
    form: LiftForm | None = None
    if request.method == "POST":
        # By its button, not by how it stands: two who stop at once both stop.
        if request.POST.get("act") != "resume":
            return _stopped(request)
        form = LiftForm(request.POST)
        if not context["desk"].may_resume:
            form.add_error(None, FORBIDDEN)
        elif form.is_valid():
            return _resumed(request, form.cleaned_data["why"], pressed=pressed)
    in_flight = [one for one in runs.actions_in_flight() if one.work]
    about = {
        **context,
        "title": "Stopped" if pressed else "Stop all agents",
        "pressed": pressed,
        "form": form,
        "forbidden": FORBIDDEN,
        "held": held(),
        "in_flight": [(one, reverse("admin:action", args=[one.id])) for one in in_flight],
    }
    status = 422 if form is not None else 200
    return TemplateResponse(request, "desk/stop.html", about, status=status)


def held() -> str:
    """Return what stands still while the stop is pressed; empty where nothing is at work."""
    living, waiting = runs.live_runs().count(), runs.authorised_waiting()
    parts = [count(living, "run")] if living else []
    return listed([*parts, *([count(waiting, "authorised action")] if waiting else [])])


def _stopped(request: HttpRequest) -> HttpResponse:
    """Stop; nobody is kept from it by what he wrote."""
    why = request.POST.get("why", "").replace("\0", " ")[:LONGEST].strip()
    acts.stop(person=request.user.get_username(), why=why, via="admin")
    messages.warning(request, "Stopped. Nothing new is begun until somebody resumes.")
    return HttpResponseRedirect(reverse("admin:stop"))


def _resumed(request: HttpRequest, why: str, *, pressed: bool) -> HttpResponse:
    if pressed:
        acts.resume(person=request.user.get_username(), why=why)
        messages.success(request, "Resumed. Agents go on where they were.")
    else:
        messages.info(request, "Nothing is stopped: somebody has resumed before you.")
    return HttpResponseRedirect(reverse("admin:stop"))
