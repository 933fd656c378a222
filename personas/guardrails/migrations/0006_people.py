"""The gate knows what a person has taken, and major incidents; agents may ask people."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0006_people"


class Migration(migrations.Migration):
    """Reads the frozen files once, in their order."""

    dependencies = [
        ("guardrails", "0005_lean"),
        ("approvals", "0009_claimed"),
        ("tickets", "0007_questions_and_majors"),
    ]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
