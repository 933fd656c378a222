"""Logins as a Django app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.checks import register
from django.utils.module_loading import import_string

from ethops.logins import checks


class LoginsConfig(AppConfig):
    """Roles, sessions and refused logins; it has no rows of its own."""

    name = "ethops.logins"
    label = "logins"
    verbose_name = "Logins"

    def ready(self) -> None:
        """Hear of each login, whatever door it came by."""
        register(checks.check_logins)
        begun = import_string("ethops.logins.sessions.begun")
        failed = import_string("ethops.logins.refusals.failed")
        user_logged_in.connect(begun, dispatch_uid="ethops.logins.begun")
        user_login_failed.connect(failed, dispatch_uid="ethops.logins.failed")
