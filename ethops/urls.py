"""Every address of the web process: health, the API, the portal, and the desk at the root."""

from django.urls import include, path
from django.views.generic import RedirectView

from ethops.api.health import healthz
from ethops.logins import coming
from ethops.pages.site import desk

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("api/", include(("ethops.api.routes", "api"))),
    path("portal/", include("ethops.portal.urls")),
    path("oidc/there/", coming.There.as_view(), name="oidc_there"),
    path("oidc/back/", coming.Back.as_view(), name="oidc_back"),
    path("oidc/out/", coming.out, name="oidc_out"),
    path("admin/", RedirectView.as_view(pattern_name="admin:index")),
    path("", desk.urls),
]

handler400 = "ethops.pages.faults.bad_request"
handler403 = "ethops.pages.faults.forbidden"
handler404 = "ethops.pages.faults.not_found"
handler500 = "ethops.pages.faults.fault"
