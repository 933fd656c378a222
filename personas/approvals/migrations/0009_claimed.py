"""A claim looks at what waits in its order, and not at all of it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0009_claimed.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("approvals", "0008_lifelines")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
