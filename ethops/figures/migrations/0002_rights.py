"""Rights, and the schedule that looks since when incidents are well and which troubles recur."""

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
    schedule, _ = interval.objects.get_or_create(every=10, period="seconds")
    task.objects.get_or_create(
        name="See what is well again, and what recurs",
        defaults={"task": "desk.watch_repairs", "interval": schedule, "expire_seconds": 50},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [
        ("figures", "0001_initial"),
        ("audit", "0003_grants"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "0002_grants.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
