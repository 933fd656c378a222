"""What may be read of the mirror, and who may write it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_views_and_grants.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("itop", "0001_initial"), ("tickets", "0006_files_and_watchers")]
    operations = [
        migrations.RunSQL(
            SQL.read_text(encoding="utf-8"), reverse_sql="DROP VIEW reading.itop_ticket;"
        )
    ]
