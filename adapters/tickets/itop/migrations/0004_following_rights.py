"""Who may write what following needs, and the schedules that do it."""

from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).resolve().parent.parent / "sql" / "0004_following.sql"
SCHEDULES = [
    ("Follow the desk of tickets that others write to", "desk.follow", 15, "seconds", 60),
    ("Compare every ticket of that desk with ours", "desk.follow_all", 1, "hours", 600),
]


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make each schedule that is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    for name, path, every, period, expires in SCHEDULES:
        schedule, _ = interval.objects.get_or_create(every=every, period=period)
        task.objects.get_or_create(
            name=name, defaults={"task": path, "interval": schedule, "expire_seconds": expires}
        )


class Migration(migrations.Migration):
    """Reads the frozen file once; schedules are the admin's from then on."""

    dependencies = [
        ("itop", "0003_following"),
        ("tickets", "0007_questions_and_majors"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        migrations.RunSQL(
            SQL.read_text(encoding="utf-8"),
            reverse_sql="DROP FUNCTION public.itop_request_model();",
        ),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
