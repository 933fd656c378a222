"""Arguments that nobody can read are denied on record."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("approvals", "0005_requesters")]
    operations = [
        migrations.RunSQL(
            (SQL / "0006_arguments.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
