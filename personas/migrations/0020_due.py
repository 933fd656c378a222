"""Who waits goes by priority, and within it by when the ticket is due."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("personas", "0019_people_first")]
    operations = [
        migrations.AddField(
            model_name="agentintent",
            name="due_at",
            field=models.DateTimeField(
                help_text="when its ticket is, if that is promised", null=True
            ),
        ),
        migrations.RunSQL(
            (SQL / "0020_due.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
    ]
