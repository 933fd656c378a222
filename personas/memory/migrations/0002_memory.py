"""Doors of memory: learn from verified entries, recall, forget, and what helped."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0002_memory"


class Migration(migrations.Migration):
    """Reads the frozen files once."""

    dependencies = [
        ("memory", "0001_initial"),
        ("personas", "0011_reach"),
        ("audit", "0018_verdicts"),
    ]
    operations = [
        migrations.RunSQL(path.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for path in sorted(SQL.glob("*.sql"))
    ]
