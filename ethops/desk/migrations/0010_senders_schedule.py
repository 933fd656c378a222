"""The default schedule that sees whether senders still live."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the schedule if it is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    schedule, _ = interval.objects.get_or_create(every=10, period="seconds")
    task.objects.get_or_create(
        name="See whether monitors are still heard",
        defaults={"task": "desk.watch_senders", "interval": schedule, "expire_seconds": 30},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [("desk", "0009_expected_senders")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
