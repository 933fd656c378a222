"""The guards of this room read no more than they need."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("autonomy", "0005_shares")]
    operations = [
        migrations.RunSQL(
            (SQL / "0006_lighter.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
