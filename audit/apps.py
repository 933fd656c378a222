"""The record as a Django app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Durable work and the ledger."""

    name = "audit"
    label = "audit"
    verbose_name = "Record"
