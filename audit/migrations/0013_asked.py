"""What an agent asks for shares the recorder's flush."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("audit", "0012_check_goes_on")]
    operations = [
        migrations.RunSQL(
            (SQL / "0013_asked.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
