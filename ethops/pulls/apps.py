"""Pull requests as a Django app."""

from django.apps import AppConfig


class PullsConfig(AppConfig):
    """Doors for people who review."""

    name = "ethops.pulls"
    label = "pulls"
    verbose_name = "Pull requests"
