"""The guardrails as a Django app."""

from django.apps import AppConfig


class GuardrailsConfig(AppConfig):
    """Rules, scopes of commands, approvals of cards."""

    name = "personas.guardrails"
    label = "guardrails"
    verbose_name = "Guardrails"

    def ready(self) -> None:
        """Register the check of the rules."""
        from personas.guardrails import checks  # noqa: F401,PLC0415 - Django's own hook for checks
