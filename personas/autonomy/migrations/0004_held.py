"""Limits leave alone what a person has set aside."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("autonomy", "0003_earned"), ("personas", "0015_runtime")]
    operations = [
        migrations.RunSQL(
            (SQL / "0004_held.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
