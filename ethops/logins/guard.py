"""The one place before all pages: sessions end, and who may only look does nothing."""

import time
from typing import Final

from django.contrib.auth import SESSION_KEY, logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from ethops.logins import people, refusals, sessions

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

OWN: Final = frozenset(
    {"/login/", "/logout/", "/password_change/", "/portal/login/", "/portal/logout/"}
)
"""What is about a person himself."""

API: Final = "/api/"
"""Its answers are JSON: it asks the same of whoever it lets in, by session or token."""


class Guard(MiddlewareMixin):
    """Stands behind Django's own, which say whose session it is."""

    def process_request(self, request: HttpRequest) -> None:
        """End what is over, and keep whoever may only look from doing anything.

        Raises:
            PermissionDenied: somebody who may only look asks for a change.
        """
        if not request.COOKIES or SESSION_KEY not in request.session:
            return
        live = request.path.endswith("/live/")
        if sessions.is_over(request, int(time.time()), by_itself=live):
            logout(request)
            return
        if request.method in SAFE or request.path in OWN or request.path.startswith(API):
            return
        if people.only_looks(request.user):
            name = request.user.get_username()
            refusals.note(request, code="logins.only_looks", name=name)
            raise PermissionDenied
