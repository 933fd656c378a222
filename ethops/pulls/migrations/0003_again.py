"""A merge that was cut off is ordered again: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0003_again.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("pulls", "0002_review"), ("personas", "0001_initial")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
