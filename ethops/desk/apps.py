"""The desk as a Django app."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Intake, events, schedules."""

    name = "ethops.desk"
    label = "desk"
    verbose_name = "Desk"
