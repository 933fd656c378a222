"""The dispatcher may ask whether a run would be too deep: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0011_depth.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("autonomy", "0010_counted_anew")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
