"""Evidence is asked for each minute, so that a fresh house has findings soon after its start."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TASK = "desk.collect_evidence"
HOURLY = {"interval__every": 3600, "interval__period": "seconds"}


def quicken(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Ask each minute where nobody chose otherwise; what is collected stays once an hour."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    each_minute = {"every": 60, "period": "seconds"}
    # Nothing keeps an admin from making the same interval twice.
    schedule = interval.objects.filter(**each_minute).first()
    schedule = schedule or interval.objects.create(**each_minute)
    task.objects.filter(task=TASK, expire_seconds=3000, **HOURLY).update(
        interval=schedule, expire_seconds=50
    )


class Migration(migrations.Migration):
    """Changes the default schedule alone: an admin's own is his."""

    dependencies = [("desk", "0013_evidence_schedule")]
    operations = [migrations.RunPython(quicken, migrations.RunPython.noop)]
