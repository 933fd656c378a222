"""How the ledger stands is said by who verifies it alone."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("audit", "0017_shown")]
    operations = [
        migrations.RunSQL(
            (SQL / "0018_verdicts.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
