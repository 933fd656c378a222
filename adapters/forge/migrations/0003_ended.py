"""Who has ended a pull request: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0003_ended.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("forge", "0002_doors")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
