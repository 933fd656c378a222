"""The personas as a Django app."""

from django.apps import AppConfig


class PersonasConfig(AppConfig):
    """Cards, grants, runs, actions and the gate."""

    name = "personas"
    label = "personas"
    verbose_name = "Agents"

    def ready(self) -> None:
        """Register the checks of cards and catalogue."""
        from personas import checks  # noqa: F401,PLC0415 - Django's own hook for checks
