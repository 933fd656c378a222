"""Rights to the joined uses of keys, and the default schedule that joins them."""

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
    schedule, _ = interval.objects.get_or_create(every=30, period="seconds")
    task.objects.get_or_create(
        name="Join what hosts saw of our keys to permits",
        defaults={"task": "desk.join_key_use", "interval": schedule, "expire_seconds": 150},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [("desk", "0005_key_use")]
    operations = [
        migrations.RunSQL(
            (SQL / "0006_key_use.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
