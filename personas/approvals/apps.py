"""Approvals as a Django app."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Proposals that wait for a person, who may decide them, and what runs have read."""

    name = "personas.approvals"
    label = "approvals"
    verbose_name = "Approvals"
