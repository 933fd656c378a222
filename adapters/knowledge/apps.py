"""The index of the knowledge base as a Django app."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """What was merged, cut into passages; the repository keeps the documents themselves."""

    name = "adapters.knowledge"
    label = "knowledge"
    verbose_name = "Knowledge"
    default_auto_field = "django.db.models.BigAutoField"
