"""Default schedules: made once here, and from then on the admin's."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SCHEDULES = [
    ("Run the probes that are due", "desk.sweep", 1, "seconds"),
    ("Check the ledger", "desk.check_ledger", 30, "seconds"),
    ("Close what was resolved a week ago", "desk.keep_house", 1, "hours"),
]


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make each schedule that is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    for name, path, every, period in SCHEDULES:
        schedule, _ = interval.objects.get_or_create(every=every, period=period)
        task.objects.get_or_create(
            name=name,
            defaults={"task": path, "interval": schedule, "expire_seconds": max(5, every * 5)},
        )


class Migration(migrations.Migration):
    """The two schedules of the spine."""

    dependencies = [
        ("desk", "0002_grants"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
