"""Guards are rows, asked one after the other."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0010_guards"


class Migration(migrations.Migration):
    """Reads the frozen files once."""

    dependencies = [("audit", "0008_values"), ("personas", "0009_recorded")]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
