"""Which run a run comes of taints nobody: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0014_parents.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("approvals", "0013_attested")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
