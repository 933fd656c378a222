"""Budgets of runs and tickets, and the fleet's breaker."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0002_breaker"


class Migration(migrations.Migration):
    """Reads the frozen files once."""

    dependencies = [("autonomy", "0001_initial"), ("gpu", "0005_going_on"), ("audit", "0017_shown")]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
