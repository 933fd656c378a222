"""Questions and looks are counted beside proposals, and what each run waits for is one view."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql" / "0006_calls.sql"


class Migration(migrations.Migration):
    """Makes the columns, then reads the frozen file once."""

    dependencies = [
        ("agentops", "0005_held"),
        ("approvals", "0007_life"),
        ("personas", "0017_parked"),
    ]
    operations = [
        migrations.AddField(
            model_name="agentevent",
            name="looks",
            field=models.IntegerField(db_default=0, help_text="how often a worker looked for it"),
        ),
        migrations.AddField(
            model_name="agentevent",
            name="questions",
            field=models.IntegerField(db_default=0, help_text="asked of models"),
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
