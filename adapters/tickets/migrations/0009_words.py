"""Tickets and worklogs are found by their words, and in their order without being read."""

from pathlib import Path

from django.db import migrations, models
from django.db.models import F, OrderBy

SQL = Path(__file__).resolve().parent.parent / "sql" / "0009_words.sql"
BACK = """DROP INDEX logline_words;
ALTER TABLE public.tickets_ticket DROP COLUMN words;
ALTER TABLE public.tickets_ticketci DROP COLUMN words"""


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0008_newest_first"),
    ]

    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), BACK),
        migrations.RemoveIndex(model_name="ticket", name="ticket_newest"),
        migrations.RemoveIndex(model_name="ticket", name="ticket_ranked"),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                OrderBy(F("opened_at"), descending=True),
                OrderBy(F("ref"), descending=True),
                name="ticket_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(F("priority"), F("opened_at"), F("ref"), name="ticket_ranked"),
        ),
        migrations.AddIndex(
            model_name="deed",
            index=models.Index(F("stimulus"), F("at"), name="deed_told"),
        ),
    ]
