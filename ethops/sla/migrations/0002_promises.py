"""Rights, what is promised where nobody says otherwise, and the schedule that looks after it."""

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
    schedule, _ = interval.objects.get_or_create(every=5, period="seconds")
    task.objects.get_or_create(
        name="Warn before a promise is broken",
        defaults={"task": "desk.watch_levels", "interval": schedule, "expire_seconds": 25},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the desk's."""

    dependencies = [
        ("sla", "0001_initial"),
        ("audit", "0003_grants"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        *(
            migrations.RunSQL((SQL / name).read_text(encoding="utf-8"), migrations.RunSQL.noop)
            for name in ("0002_grants.sql", "0002_provided.sql")
        ),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
