"""What guards look at is read at once, and only once."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0007_at_once"


class Migration(migrations.Migration):
    """Reads the frozen files once, in their order."""

    dependencies = [("guardrails", "0006_people"), ("personas", "0023_used")]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
