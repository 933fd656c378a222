"""The default schedule that follows pull requests to their end."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the schedule if it is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    schedule, _ = interval.objects.get_or_create(every=60, period="seconds")
    task.objects.get_or_create(
        name="Follow pull requests to their end",
        defaults={"task": "desk.watch_pulls", "interval": schedule, "expire_seconds": 50},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [("desk", "0011_graph_schedule")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
