"""Mail as a Django app."""

from django.apps import AppConfig


class MailConfig(AppConfig):
    """Letters as they came, and what became of each."""

    name = "ethops.mail"
    label = "mail"
    verbose_name = "Mail"
