"""Rights, the trigger on deeds, the first rules, and the schedule that tells."""

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
        name="Tell people what happened",
        defaults={"task": "desk.tell_people", "interval": schedule, "expire_seconds": 25},
    )


class Migration(migrations.Migration):
    """Made once here, and from then on the desk's."""

    dependencies = [
        ("notify", "0001_initial"),
        ("guests", "0002_grants"),
        ("tickets", "0005_four_classes"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [
        *(
            migrations.RunSQL((SQL / name).read_text(encoding="utf-8"), migrations.RunSQL.noop)
            for name in ("0002_moments.sql", "0002_provided.sql")
        ),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
