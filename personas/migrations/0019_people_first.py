"""A review that is over, and people or jobs on a host, let a playbook be proposed at most."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [
        ("personas", "0018_presence"),
        ("cmdb", "0002_views_and_grants"),
        ("gpu", "0002_queue"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "0019_people_first.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
