"""The default schedule that collects evidence for safeguards."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the schedule if it is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    schedule, _ = interval.objects.get_or_create(every=3600, period="seconds")
    task.objects.get_or_create(
        name="Collect evidence for safeguards",
        defaults={"task": "desk.collect_evidence", "interval": schedule, "expire_seconds": 3000},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [("desk", "0012_pulls_schedule")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
