"""What an inference cost is on record in whole microseconds."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("gpu", "0003_grants")]
    operations = [
        migrations.RunSQL(
            (SQL / "0004_cost.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
