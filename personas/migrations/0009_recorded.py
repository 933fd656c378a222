"""What is to be done is held against its entry."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0008_readable")]
    operations = [
        migrations.RunSQL(
            (SQL / "0009_recorded.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
