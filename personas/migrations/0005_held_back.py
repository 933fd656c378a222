"""What holds back an effect that is due: risky ones wait for a witness."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0004_models"), ("audit", "0005_witness")]
    operations = [
        migrations.RunSQL(
            (SQL / "0005_held_back.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
