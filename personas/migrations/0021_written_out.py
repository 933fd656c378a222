"""Guards are asked as one function that is written out from their rows; what they look at has an
index."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0020_due")]
    operations = [
        migrations.AddIndex(
            model_name="action",
            index=models.Index(
                models.F("target"),
                condition=models.Q(
                    ("outcome", ""),
                    ("verb__in", ["playbook.run", "command.run"]),
                    ("verdict", "authorised"),
                ),
                name="action_open_change",
            ),
        ),
        migrations.RunSQL(
            (SQL / "0021_written_out.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
    ]
