"""Handover: what happened, what agents did, what waits for people, since the day before."""

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from ethops.desk import handover
from ethops.desk.handover import Line
from ethops.pages.words import Moment

SPANS: Final = ((12, "12 h"), (24, "a day"), (72, "3 days"), (168, "a week"))


def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw it."""
    now = timezone.now()
    said = request.GET.get("hours", "24")
    hours = int(said) if said in {str(one) for one, _ in SPANS} else 24
    found = handover.handover(now - timedelta(hours=hours), now)
    about = {
        **context,
        "title": "Handover",
        "since": Moment(found.since, now),
        "spans": [(one, word, one == hours) for one, word in SPANS],
        "parts": [
            ("waits", "What waits for you", _lines(found.waits), "Nothing waits for anybody."),
            ("happened", "What happened", _lines(found.happened), "Nothing happened."),
            ("did", "What agents did", _lines(found.did), "They changed nothing."),
        ],
    }
    return TemplateResponse(request, "desk/handover.html", about)


def _lines(lines: tuple[Line, ...]) -> list[tuple[str, str]]:
    return [(one.text, _place(one)) for one in lines]


def _place(one: Line) -> str:
    if one.action:
        return reverse("admin:approval", args=[one.action])
    if one.page:
        return reverse(f"admin:{one.page}")
    return reverse("admin:ticket", args=[one.ref]) if one.ref else ""
