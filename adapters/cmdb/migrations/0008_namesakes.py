"""What a name means is computed anew for all of that name: see the SQL file."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0007_schedule")]

    operations = [
        migrations.RunSQL(
            (HERE / "0008_namesakes.sql").read_text(encoding="utf-8"),
            # The functions of before do less, and nothing else calls them.
            reverse_sql=migrations.RunSQL.noop,
        )
    ]
