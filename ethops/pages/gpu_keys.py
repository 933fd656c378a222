"""Keys of people and programs for the GPU: who may ask for what, and one button to refuse one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from ethops.api import gpu_acts
from ethops.pages.words import Moment, State
from ethops.world import gpu


@dataclass(frozen=True, slots=True)
class KeyShown:
    """One key as a line."""

    name: str
    state: State
    tier: str
    slots: str
    waiting: str
    made: Moment
    seen: Moment | None
    enabled: bool


def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the keys, or refuse one."""
    may = request.user.has_perm(gpu_acts.MAY_DISABLE)
    if request.method == "POST":
        return _disable(request, may=may)
    now = timezone.now()
    page = {
        **context,
        "title": "GPU keys",
        "keys": [_key(one, now) for one in gpu.all_keys()],
        "may_disable": may,
    }
    return TemplateResponse(request, "desk/gpu_keys.html", page)


def _disable(request: HttpRequest, *, may: bool) -> HttpResponse:
    name = request.POST.get("disable", "")[:60]
    if not may:
        messages.error(request, "You may not switch keys off; ask somebody who may.")
    elif "\0" in name or not gpu_acts.disable_key(name=name, person=request.user.get_username()):
        raise Http404("There is no such key in use.")
    else:
        messages.success(request, f"The key {name} is refused from now on.")
    return HttpResponseRedirect(reverse("admin:gpu_keys"))


def _key(one: gpu.KeyNow, now: datetime) -> KeyShown:
    key = one.key
    return KeyShown(
        name=key.name,
        state=State("in use", "ok", "tick") if key.enabled else State("refused", "quiet", "denied"),
        tier=key.tier,
        slots=", ".join(map(str, key.slots)) or "all of its tier",
        waiting=f"{one.open} of {key.max_waiting}",
        made=Moment(key.made_at, now),
        seen=Moment(key.last_seen_at, now) if key.last_seen_at else None,
        enabled=key.enabled,
    )
