"""The policy language, scoped commands, and the guards that ask them."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0002_guards"


class Migration(migrations.Migration):
    """Reads the frozen files once, in their order."""

    dependencies = [
        ("guardrails", "0001_initial"),
        ("personas", "0021_written_out"),
        ("approvals", "0008_lifelines"),
        ("autonomy", "0007_evaluations"),
        ("tickets", "0002_views_and_grants"),
        ("cmdb", "0002_views_and_grants"),
    ]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
