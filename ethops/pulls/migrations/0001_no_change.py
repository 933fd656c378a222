"""A pull request is no change of the fleet: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0001_no_change.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    initial = True
    dependencies = [("muting", "0003_no_change"), ("guardrails", "0009_pulls")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
