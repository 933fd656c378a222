"""How long a session lasts: away too long, or too long at all, is logged out."""

import time
from typing import Any, Final

from django.contrib.auth.models import User
from django.http import HttpRequest

from ethops.logins import roles

KEY: Final = "ethops.session"
GRAIN_SECONDS: Final = 60
"""A row is not written at every page."""


def begun(sender: object, request: HttpRequest, user: User, **more: Any) -> None:
    """Note when somebody has logged in and how long he may be away; Django gives a new key."""
    del sender, more
    if not hasattr(request, "session"):
        return
    now = int(time.time())
    idle = roles.idle_seconds(
        user.groups.values_list("name", flat=True),
        superuser=user.is_superuser,
        staff=user.is_staff,
    )
    request.session[KEY] = [now, now, idle]


def is_over(request: HttpRequest, now: int, *, by_itself: bool) -> bool:
    """Tell whether a session is over; a page somebody asked for himself is counted as life."""
    since, seen, idle = request.session.get(KEY, (0, 0, 0))
    if now - since > roles.LONGEST_SECONDS or now - seen > idle:
        return True
    if now - seen >= GRAIN_SECONDS and not by_itself:
        request.session[KEY] = [since, now, idle]
    return False
