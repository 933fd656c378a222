"""Steps may ask models through the GPU's queue."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0003_grants"), ("gpu", "0003_grants")]
    operations = [
        migrations.RunSQL(
            (SQL / "0004_models.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
