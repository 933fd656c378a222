"""The figures as a Django app."""

from django.apps import AppConfig


class FiguresConfig(AppConfig):
    """When what was ill was well again, as it was seen then."""

    name = "ethops.figures"
    label = "figures"
    verbose_name = "Figures"
