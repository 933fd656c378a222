"""What guards count is counted at once."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0011_counted.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("guardrails", "0010_named")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
