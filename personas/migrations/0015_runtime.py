"""Admission, retries, controls and checkpoints, in the gate."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0015_runtime"


class Migration(migrations.Migration):
    """Reads the frozen files once."""

    dependencies = [
        ("agentops", "0002_events"),
        ("approvals", "0002_doors"),
        ("autonomy", "0002_breaker"),
        ("personas", "0014_lifecycle"),
    ]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
