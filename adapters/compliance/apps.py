"""The embedded compliance room as a Django app."""

from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    """Observations, and what is said not to apply."""

    name = "adapters.compliance"
    label = "compliance"
    verbose_name = "Compliance"
    default_auto_field = "django.db.models.BigAutoField"
