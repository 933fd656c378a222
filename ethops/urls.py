"""Every address of the house."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from ethops.api import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("admin/", admin.site.urls),
]
