"""Rules cost what they have to say."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [
        ("guardrails", "0003_people"),
        ("autonomy", "0007_evaluations"),
        ("personas", "0021_written_out"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "0004_cheaper.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
