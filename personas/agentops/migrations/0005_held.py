"""Detectors leave alone what a person has set aside."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0005_held.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("agentops", "0004_runtime")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
