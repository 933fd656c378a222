"""The room as a Django app."""

from django.apps import AppConfig


class AutonomyConfig(AppConfig):
    """Budgets, breaker, judgements, calibration."""

    name = "personas.autonomy"
    label = "autonomy"
    verbose_name = "Autonomy"
