"""iTop's side of our tickets as a Django app."""

from django.apps import AppConfig


class ItopConfig(AppConfig):
    """Which object of iTop a ticket is, and what iTop has still to be told."""

    name = "adapters.tickets.itop"
    label = "itop"
    verbose_name = "iTop"
    default_auto_field = "django.db.models.BigAutoField"
