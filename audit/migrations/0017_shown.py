"""A cosignature is of a tree head that there is."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("audit", "0016_batches")]
    operations = [
        migrations.RunSQL(
            (SQL / "0017_shown.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
