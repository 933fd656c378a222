"""Who reads past hours, who writes them, and the default schedule by which they are kept."""

from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).resolve().parent.parent / "sql" / "0006_past_hours.sql"


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the schedule if it is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    schedule, _ = interval.objects.get_or_create(every=600, period="seconds")
    task.objects.get_or_create(
        name="Keep what probes saw, hour by hour",
        defaults={"task": "desk.keep_hours", "interval": schedule, "expire_seconds": 540},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [
        ("monitoring", "0005_pasthour"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), "DROP VIEW reading.past_hour"),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
