"""Each process says itself that it lives; values have an end."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("audit", "0014_check_damage")]
    operations = [
        migrations.RunSQL(
            (SQL / "0015_own_names.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
