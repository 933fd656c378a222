"""The CMDB mirror as a Django app."""

from django.apps import AppConfig


class CmdbConfig(AppConfig):
    """CIs, hosts and join rules."""

    name = "adapters.cmdb"
    label = "cmdb"
    verbose_name = "CMDB"
    default_auto_field = "django.db.models.BigAutoField"
