"""Muting as a Django app."""

from django.apps import AppConfig


class MutingConfig(AppConfig):
    """Silences asked of others."""

    name = "ethops.muting"
    label = "muting"
    verbose_name = "Muting"
