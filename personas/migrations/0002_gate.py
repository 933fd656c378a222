"""Functions of the gate."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0002_gate"


class Migration(migrations.Migration):
    """Reads the frozen files once, in their order."""

    dependencies = [
        ("personas", "0001_initial"),
        ("audit", "0003_grants"),
        ("cmdb", "0002_views_and_grants"),
        ("tickets", "0002_views_and_grants"),
    ]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
