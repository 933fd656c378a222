"""Redaction reaches events and the words of requests."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0003_reach.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("agentops", "0002_events"), ("personas", "0011_reach")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
