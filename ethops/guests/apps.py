"""Guests as a Django app."""

from django.apps import AppConfig


class GuestsConfig(AppConfig):
    """Links to one ticket, and counts of knocks."""

    name = "ethops.guests"
    label = "guests"
    verbose_name = "Guests"
