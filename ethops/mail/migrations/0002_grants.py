"""Rights to letters."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("mail", "0001_initial"), ("audit", "0003_grants")]
    operations = [
        migrations.RunSQL(
            (SQL / "0002_grants.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
