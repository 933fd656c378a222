"""Functions of the record."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.RunSQL(
            (SQL / "0002_record.sql").read_text(encoding="utf-8"),
            "DROP SCHEMA audit CASCADE",
        )
    ]
