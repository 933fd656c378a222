"""The adapters' room as a Django app: it has no rows, only system checks."""

from django.apps import AppConfig
from django.core.checks import register

from adapters import checks


class AdaptersConfig(AppConfig):
    """Checks of the declared files."""

    name = "adapters"
    label = "adapters"
    verbose_name = "Adapters"

    def ready(self) -> None:
        """Register the checks, so that nothing starts on a faulty file."""
        register(checks.check_site)
        register(checks.check_observers)
        register(checks.check_rules)
        register(checks.check_modules)
        register(checks.check_secrets)
        register(checks.check_repository)
