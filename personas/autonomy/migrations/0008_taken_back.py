"""A trouble that recurs takes a right back one level."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0008_taken_back.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("autonomy", "0007_evaluations")]
    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
