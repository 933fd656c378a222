"""The desk as a Django app."""

from django.apps import AppConfig
from django.core.checks import register

from ethops.desk import checks


class DeskConfig(AppConfig):
    """Intake, events, schedules."""

    name = "ethops.desk"
    label = "desk"
    verbose_name = "Desk"

    def ready(self) -> None:
        """Have the environment held against the site."""
        register(checks.check_operators)
