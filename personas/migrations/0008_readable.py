"""What a hostile agent writes stays readable to who verifies."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0007_overdue")]
    operations = [
        migrations.RunSQL(
            (SQL / "0008_readable.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
