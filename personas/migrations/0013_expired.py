"""A permit that expires says what it waited for."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0012_proposed")]
    operations = [
        migrations.RunSQL(
            (SQL / "0013_expired.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
