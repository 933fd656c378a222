"""The inference queue as a Django app."""

from django.apps import AppConfig
from django.core.checks import register

from gpu import checks


class GpuConfig(AppConfig):
    """One card, three tiers, few swaps."""

    name = "gpu"
    label = "gpu"
    verbose_name = "GPU"

    def ready(self) -> None:
        """Register the checks, so that nothing starts with a fault, or without a server's key."""
        register(checks.check_keys)
        register(checks.check_cards)
