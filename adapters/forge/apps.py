"""The embedded forge as a Django app."""

from django.apps import AppConfig


class ForgeConfig(AppConfig):
    """Pull requests, their heads and their reviews; what they change is in git."""

    name = "adapters.forge"
    label = "forge"
    verbose_name = "Forge"
    default_auto_field = "django.db.models.BigAutoField"
