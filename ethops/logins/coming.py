"""Doors of a login by a provider: there, back, and out."""

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import auth
from django.contrib.auth import BACKEND_SESSION_KEY
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from mozilla_django_oidc.views import (
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
)

from ethops.guests.knocks import Bound
from ethops.logins import conf, discovery, refusals
from ethops.logins.declared import Provider
from ethops.logins.errors import BadAnswerError, LoginsError
from ethops.logins.oidc import NAME, SETTINGS

BEGUN: Final = Bound("provider login", 300, 900)
"""Logins that one address may begin: each makes a session, and asks the provider."""


class There(OIDCAuthenticationRequestView):  # type: ignore[misc]  # ships no types
    """Sends a browser to the provider, with state, nonce and the challenge of PKCE."""

    def __init__(self, **options: Any) -> None:
        # The library's own wants its settings, and the provider may be away.
        View.__init__(self, **options)

    def get_settings(self, attr: str, *default: Any) -> Any:
        """Return what the library may know."""
        return {**SETTINGS, "OIDC_RP_SCOPES": declared().scopes}.get(attr, *default)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Send him there."""
        provider = declared()
        wait = BEGUN.knock(refusals.address(request))
        if wait:
            return HttpResponse("Too many tries.", status=429, headers={"Retry-After": str(wait)})
        try:
            where = discovery.endpoints(provider.issuer)
        except LoginsError as fault:
            return refused(request, fault)
        self.OIDC_OP_AUTH_ENDPOINT = where.authorization
        self.OIDC_RP_CLIENT_ID = provider.client
        answer: HttpResponse = super().get(request)
        return answer


class Back(OIDCAuthenticationCallbackView):  # type: ignore[misc]  # ships no types
    """Takes the provider's answer: only one that this browser has asked for, and only once."""

    get_settings = staticmethod(SETTINGS.get)

    @property
    def success_url(self) -> str:
        """Where he wanted to go, else to the desk or the portal."""
        after = str(self.request.session.pop("oidc_login_next", None) or "")
        portal = reverse("portal:home")
        # Who has no place at the desk may have come by its login all the same.
        if not self.user.is_staff:
            return after if after.startswith(portal) else portal
        return after or reverse("admin:index")

    def get(self, request: HttpRequest) -> HttpResponse:
        """Let him in, or say why not."""
        declared()
        try:
            if "error" in request.GET:
                raise BadAnswerError("The provider has refused the login.")
            answer: HttpResponse = super().get(request)
        except LoginsError as fault:
            return refused(request, fault)
        except SuspiciousOperation:
            return refused(request, BadAnswerError("This login was not begun in this browser."))
        return answer

    def login_success(self) -> HttpResponse:
        """Begin a new session, also for whoever has one: its clock is that of his roles now."""
        auth.login(self.request, self.user)
        return HttpResponseRedirect(self.success_url)

    def login_failure(self) -> HttpResponse:
        """Say so."""
        return refused(self.request, BadAnswerError("There is no login to answer."))


@never_cache
@require_GET
def out(request: HttpRequest) -> HttpResponse:
    """Say that the provider's own login goes on, and where it ends."""
    provider = declared()
    try:
        where = discovery.endpoints(provider.issuer).end_session
    except LoginsError:
        where = ""
    back = request.build_absolute_uri(reverse("admin:login"))
    said = {"client_id": provider.client, "post_logout_redirect_uri": back}
    address = f"{where}{'&' if '?' in where else '?'}{urlencode(said)}" if where else ""
    return render(request, "logins/out.html", {"title": "Logged out here", "there": address})


def declared() -> Provider:
    """Return the provider.

    Raises:
        Http404: there is none.
    """
    found = conf.provider()
    if found is None:
        raise Http404("Nobody else knows our people.")
    return found


def came_by_provider(request: HttpRequest) -> bool:
    """Tell whether this session began at the provider, where one can still log out."""
    return request.session.get(BACKEND_SESSION_KEY) == NAME and conf.provider() is not None


def button() -> dict[str, str]:
    """Return what a login page shows of the provider; nothing where there is none."""
    found = conf.provider()
    return {"provider_button": found.button} if found else {}


def refused(request: HttpRequest, fault: LoginsError) -> HttpResponse:
    """Say why somebody is not let in, on record."""
    refusals.note(request, code=fault.code, name=fault.name)
    about = {"title": "You are not logged in", "says": str(fault), "mend": fault.hint}
    return render(request, "logins/refused.html", about, status=403)
