"""The watch over the GPU: made once here, and from then on the admin's."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the schedule if it is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    schedule, _ = interval.objects.get_or_create(every=1, period="minutes")
    task.objects.get_or_create(
        name="Watch the GPU",
        defaults={"task": "desk.watch_gpu", "interval": schedule, "expire_seconds": 300},
    )


class Migration(migrations.Migration):
    """One schedule more."""

    dependencies = [("desk", "0003_schedules")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
