"""The embedded monitoring as a Django app."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Probes, samples and alert states."""

    name = "adapters.monitoring"
    label = "monitoring"
    verbose_name = "Monitoring"
    default_auto_field = "django.db.models.BigAutoField"
