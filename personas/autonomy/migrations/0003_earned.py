"""Guards of this room; autonomy that is earned and lost; calibration; the doors of the stop."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0003_earned"


class Migration(migrations.Migration):
    """Reads the frozen files once."""

    dependencies = [("autonomy", "0002_breaker"), ("personas", "0010_guards")]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
