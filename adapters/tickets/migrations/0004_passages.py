"""The states a ticket came into, for everybody who reckons with them."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0004_passages.sql"

UNDO = "DROP VIEW reading.ticket_passage; DROP INDEX public.tickets_deed_moves;"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("tickets", "0003_words")]
    operations = [
        migrations.AddField(
            model_name="deed",
            name="stimulus",
            field=models.CharField(db_default="", help_text="of a move", max_length=32),
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO),
    ]
