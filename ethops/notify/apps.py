"""Notices as a Django app."""

from django.apps import AppConfig


class NotifyConfig(AppConfig):
    """Contacts, rules, and what was told."""

    name = "ethops.notify"
    label = "notify"
    verbose_name = "Notices"
