"""The operations of agents as a Django app."""

from django.apps import AppConfig


class AgentOpsConfig(AppConfig):
    """Events of runs, requests for runs, findings of detectors, the throttle."""

    name = "personas.agentops"
    label = "agentops"
    verbose_name = "Operations of agents"
    default_auto_field = "django.db.models.BigAutoField"
