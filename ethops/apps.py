"""The house as a Django app: its commands, templates and the Celery application."""

from django.apps import AppConfig

from ethops import celery


class EthopsConfig(AppConfig):
    """Binds tasks to our Celery application in every process."""

    name = "ethops"
    label = "ethops"
    verbose_name = "ethops"

    def ready(self) -> None:
        """Make ours the current application, so that shared tasks bind to it."""
        celery.app.set_default()
