"""A person closes one: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0005_closing.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("pulls", "0004_ends")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
