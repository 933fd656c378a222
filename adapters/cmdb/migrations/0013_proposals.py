"""What discovery proposes, its doors, and the schedule that looks: see the SQL file."""

from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).resolve().parent.parent / "sql" / "0013_proposals.sql"
UNDO = """
DROP FUNCTION cmdb.keep_proposals(jsonb);
DROP FUNCTION cmdb.withdraw_proposals(text[], timestamptz);
DROP FUNCTION cmdb.bad_decision(bigint, text, boolean);
DROP FUNCTION cmdb.proposal_digest(bigint);
DROP FUNCTION cmdb.said_if_accepted(bigint);
"""


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the schedule if it is not there."""
    del schema_editor
    interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    task = apps.get_model("django_celery_beat", "PeriodicTask")
    schedule, _ = interval.objects.get_or_create(every=300, period="seconds")
    task.objects.get_or_create(
        name="Propose what was seen and is no CI",
        defaults={"task": "desk.discover", "interval": schedule, "expire_seconds": 250},
    )


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0012_proposal")]

    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO),
        migrations.RunPython(make, migrations.RunPython.noop),
    ]
