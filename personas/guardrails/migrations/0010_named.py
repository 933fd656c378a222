"""Who works on a request does what its model names, and nothing else."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0010_named.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("guardrails", "0009_pulls")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
