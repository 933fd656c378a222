"""A turn is taken in one function, and counted in another."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0012_turns.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("guardrails", "0011_counted")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
