"""What is taken away beside the ledger goes from the other rows of its ticket too."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [
        ("personas", "0010_guards"),
        ("audit", "0010_epochs"),
        ("cmdb", "0001_initial"),
        ("gpu", "0005_going_on"),
        ("tickets", "0003_words"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "0011_reach.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        )
    ]
