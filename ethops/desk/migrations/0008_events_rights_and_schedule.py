"""Rights to what becomes of events, their numbers, and the default schedule that goes on."""

from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).parent.parent / "sql"


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the schedule if it is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    schedule, _ = interval.objects.get_or_create(every=2, period="seconds")
    task.objects.get_or_create(
        name="See what becomes of storms, windows and flapping",
        defaults={"task": "desk.watch_events", "interval": schedule, "expire_seconds": 10},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [("desk", "0007_events_before_incidents")]
    operations = [
        *(
            migrations.RunSQL((SQL / name).read_text(encoding="utf-8"), migrations.RunSQL.noop)
            for name in ("0008_numbers.sql", "0008_events.sql")
        ),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
