"""Functions of the gate."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [
        ("personas", "0001_initial"),
        ("audit", "0003_grants"),
        ("cmdb", "0002_views_and_grants"),
        ("tickets", "0002_views_and_grants"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "0002_gate.sql").read_text(encoding="utf-8"),
            "DROP SCHEMA gate CASCADE",
        )
    ]
