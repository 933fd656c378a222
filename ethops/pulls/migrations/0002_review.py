"""People review pull requests: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_review.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [
        ("pulls", "0001_no_change"),
        ("approvals", "0010_tickets"),
        ("forge", "0002_doors"),
    ]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
