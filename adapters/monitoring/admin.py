"""Embedded monitoring on the desk: what is probed and where its alerts stand."""

from django.contrib import admin

from adapters.monitoring.models import AlertState, Probe


@admin.register(Probe)
class ProbeAdmin(admin.ModelAdmin[Probe]):
    """Declared probes."""

    list_display = ("name", "ci_ref", "kind", "interval_s", "alertname", "severity", "retired")
    list_filter = ("kind", "severity", "retired")
    search_fields = ("name", "ci_ref", "alertname")
    ordering = ("name",)


@admin.register(AlertState)
class AlertStateAdmin(admin.ModelAdmin[AlertState]):
    """Where each probe's alert stands."""

    list_display = (
        "probe",
        "status",
        "last_symptom",
        "last_sample_at",
        "first_bad_at",
        "good_since",
    )
    list_filter = ("status", "last_symptom")
    search_fields = ("probe__name",)
    list_select_related = ("probe",)
    ordering = ("probe",)
