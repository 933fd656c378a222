"""Steps whose worker is gone are freed at once."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0015_runtime")]
    operations = [
        migrations.RunSQL(
            (SQL / "0016_holders.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
