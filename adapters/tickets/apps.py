"""The embedded desk as a Django app."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Tickets and their worklog."""

    name = "adapters.tickets"
    label = "tickets"
    verbose_name = "Tickets"
    default_auto_field = "django.db.models.BigAutoField"
