"""Rights, and the gate's door for silences: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0002_door.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [
        ("muting", "0001_initial"),
        ("personas", "0022_newest_first"),
        ("autonomy", "0008_taken_back"),
        ("guardrails", "0006_people"),
        ("audit", "0003_grants"),
    ]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
