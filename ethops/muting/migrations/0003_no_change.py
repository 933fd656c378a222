"""A silence is none of the fleet's changes: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0003_no_change.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("muting", "0002_door"), ("guardrails", "0007_at_once")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
