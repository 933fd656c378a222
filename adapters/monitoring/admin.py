"""Embedded monitoring on the desk: what is probed and where its alerts stand."""

from django.contrib import admin

from adapters.monitoring.models import AlertState, PastHour, Probe


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


@admin.register(PastHour)
class PastHourAdmin(admin.ModelAdmin[PastHour]):
    """What each probe's value was, hour by hour."""

    list_display = ("probe", "begin", "low", "middle", "high", "points")
    search_fields = ("probe__name",)
    list_select_related = ("probe",)
    ordering = ("-begin", "probe")
