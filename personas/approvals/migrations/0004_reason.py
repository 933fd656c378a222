"""An approved action says who approved it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("approvals", "0003_requests")]
    operations = [
        migrations.RunSQL(
            (SQL / "0004_reason.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
