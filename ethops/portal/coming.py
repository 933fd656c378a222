"""Coming and going: by login, by a link to one ticket, and out again."""

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from ethops.logins import coming
from ethops.logins.form import SaysWhy
from ethops.portal import bounds, visitor
from ethops.portal.door import address, guarded, refused
from ethops.portal.errors import TooOftenError


class Login(LoginView):
    """Logs in whoever has a login here, at the desk or not."""

    template_name = "portal/login.html"
    authentication_form = SaysWhy
    next_page = "portal:home"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Count tries by address and by name before any password is looked at."""
        if request.method == "POST":
            try:
                bounds.mind(bounds.LOGIN_PLACE, address(request))
                bounds.mind(bounds.LOGIN_NAME, request.POST.get("username", ""))
            except TooOftenError as fault:
                return refused(request, fault)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Add the title."""
        return super().get_context_data(title="Log in", **coming.button(), **more)

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say that it was refused, with a status that says so too."""
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer


class Logout(LogoutView):
    """Logs out, and forgets every link of this browser."""

    next_page = "portal:login"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Tell whoever came by a provider that its own login goes on."""
        by_provider = coming.came_by_provider(request)
        answer = super().post(request, *args, **kwargs)
        return HttpResponseRedirect(reverse("oidc_out")) if by_provider else answer


@guarded
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Open the ticket of a link; its secret goes no further than this."""
    bounds.mind(bounds.LINK, address(request))
    ref = visitor.let_in(request, token)
    return HttpResponseRedirect(reverse("portal:ticket", args=[ref]))
