"""Pull requests to their end: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0004_ends.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("pulls", "0003_followed"), ("guardrails", "0010_named")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
