"""Events of runs, acts on runs, who blocks whom; and the schedule that looks after it."""

from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).parent.parent / "sql" / "0002_events"


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the schedule if it is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    schedule, _ = interval.objects.get_or_create(every=5, period="seconds")
    task.objects.get_or_create(
        name="Look after agents at work",
        defaults={"task": "desk.watch_agents", "interval": schedule, "expire_seconds": 30},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the admin's."""

    dependencies = [
        ("agentops", "0001_initial"),
        ("personas", "0010_guards"),
        ("gpu", "0005_going_on"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        *(
            migrations.RunSQL(path.read_text(encoding="utf-8"), migrations.RunSQL.noop)
            for path in sorted(SQL.glob("*.sql"))
        ),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
