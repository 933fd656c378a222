"""The embedded telemetry as a Django app."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Observers, keys and uses of keys."""

    name = "adapters.telemetry"
    label = "telemetry"
    verbose_name = "Telemetry"
    default_auto_field = "django.db.models.BigAutoField"
