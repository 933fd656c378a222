"""Every path of the portal."""

from django.urls import path, re_path

from ethops.portal import coming, files, filing, home, notice, ticket

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
    path("login/", coming.Login.as_view(), name="login"),
    path("logout/", coming.Logout.as_view(), name="logout"),
    path("l/<str:token>/", coming.link, name="link"),
    path("new/", filing.incident, name="incident"),
    re_path(r"^new/(?P<slug>[a-z0-9][a-z0-9._-]{0,63})/$", filing.item, name="request"),
    path("notices/<uuid:notice>/", notice.shown, name="notice"),
    re_path(r"^tickets/(?P<ref>[A-Z]{2,8}-[0-9]{1,12})/$", ticket.shown, name="ticket"),
    re_path(
        r"^tickets/(?P<ref>[A-Z]{2,8}-[0-9]{1,12})/files/(?P<n>[0-9]{1,9})/$",
        files.kept,
        name="kept",
    ),
]
