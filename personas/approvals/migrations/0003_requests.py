"""Who asks for a run over the API stands behind what it proposes."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("approvals", "0002_doors"), ("agentops", "0002_events")]
    operations = [
        migrations.RunSQL(
            (SQL / "0003_requests.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
