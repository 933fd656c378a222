"""Who asked for a run stands behind its restarts, too."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("approvals", "0004_reason"), ("personas", "0015_runtime")]
    operations = [
        migrations.RunSQL(
            (SQL / "0005_requesters.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
