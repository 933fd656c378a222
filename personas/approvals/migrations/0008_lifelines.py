"""A person may approve what touches a lifeline, with a second factor and independently."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0008_lifelines.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [
        ("approvals", "0007_life"),
        ("autonomy", "0005_shares"),
        ("personas", "0017_parked"),
    ]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
