"""Service levels as a Django app."""

from django.apps import AppConfig


class SlaConfig(AppConfig):
    """Calendars, services, targets, and what came of each."""

    name = "ethops.sla"
    label = "sla"
    verbose_name = "Service levels"
