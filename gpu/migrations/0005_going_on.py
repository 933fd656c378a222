"""What a reader has heard of a broken answer is gone on from."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("gpu", "0004_cost")]
    operations = [
        migrations.RunSQL(
            (SQL / "0005_going_on.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
