"""A change whose CI has an overdue relation is a person's."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0008_relations.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("guardrails", "0007_at_once"), ("cmdb", "0008_namesakes")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
