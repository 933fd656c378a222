"""Receipts of the ledger for the tickets' worklogs."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("audit", "0010_epochs")]
    operations = [
        migrations.RunSQL(
            (SQL / "0011_receipts.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
