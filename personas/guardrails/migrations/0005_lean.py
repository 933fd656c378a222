"""What is asked at every proposal reads only what bears on its verb."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("guardrails", "0004_cheaper")]
    operations = [
        migrations.RunSQL(
            (SQL / "0005_lean.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
