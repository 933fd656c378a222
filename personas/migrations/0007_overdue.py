"""Notices under the stop are not overdue; entries about a permit say which."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0006_incarnations")]
    operations = [
        migrations.RunSQL(
            (SQL / "0007_overdue.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
