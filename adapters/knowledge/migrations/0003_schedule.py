"""The default schedule that brings the index to what was merged."""

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
        name="Bring the index of the knowledge base up to date",
        defaults={"task": "desk.index_knowledge", "interval": schedule, "expire_seconds": 50},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [
        ("knowledge", "0002_views_and_grants"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
