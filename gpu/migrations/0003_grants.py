"""Rights to the queue."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("gpu", "0002_queue")]
    operations = [
        migrations.RunSQL(
            (SQL / "0003_grants.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
