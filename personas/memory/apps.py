"""Memory as a Django app."""

from django.apps import AppConfig


class MemoryConfig(AppConfig):
    """Items, and the ledger entries that they rest on."""

    name = "personas.memory"
    label = "memory"
    verbose_name = "Memory"
    default_auto_field = "django.db.models.BigAutoField"
