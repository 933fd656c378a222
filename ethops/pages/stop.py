"""The stop: what it will stop, what it cannot call back, one reason, one button."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from ethops.api import acts
from ethops.pages.words import count, listed
from ethops.world import runs


class PressForm(forms.Form):
    """Why; pressing needs no reason, so that nobody is kept from it."""

    why = forms.CharField(max_length=2000, required=False)


class LiftForm(forms.Form):
    """Why it may go on; that needs one."""

    why = forms.CharField(
        max_length=2000, error_messages={"required": "Say why it is safe to go on."}
    )


def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the page, or press or lift the stop."""
    pressed = context["desk"].stop.pressed
    form: forms.Form | None = None
    if request.method == "POST":
        form = (LiftForm if pressed else PressForm)(request.POST)
        if _allowed(context, pressed=pressed) and form.is_valid():
            return _do(request, form.cleaned_data["why"], pressed=pressed)
    in_flight = [one for one in runs.actions_in_flight() if one.work]
    about = {
        **context,
        "title": "Stopped" if pressed else "Stop all agents",
        "pressed": pressed,
        "form": form,
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


def _allowed(context: dict[str, Any], *, pressed: bool) -> bool:
    return bool(context["desk"].may_resume) if pressed else True


def _do(request: HttpRequest, why: str, *, pressed: bool) -> HttpResponse:
    person = request.user.get_username()
    if pressed:
        acts.resume(person=person, why=why)
        messages.success(request, "Resumed. Agents go on where they were.")
    else:
        acts.stop(person=person, why=why, via="admin")
        messages.warning(request, "Stopped. Nothing new is begun until somebody resumes.")
    return HttpResponseRedirect(reverse("admin:stop"))
