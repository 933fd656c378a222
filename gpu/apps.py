"""The inference queue as a Django app."""

from django.apps import AppConfig


class GpuConfig(AppConfig):
    """One card, three tiers, few swaps."""

    name = "gpu"
    label = "gpu"
    verbose_name = "GPU"
