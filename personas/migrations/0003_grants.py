"""Rights to the gate."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0002_gate")]
    operations = [
        migrations.RunSQL(
            (SQL / "0003_grants.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
