"""Tickets by rank and worklog lines by time are found without sorting all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0007_questions_and_majors"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="logline",
            index=models.Index(
                models.OrderBy(models.F("at"), descending=True), name="logline_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(models.F("priority"), models.F("opened_at"), name="ticket_ranked"),
        ),
    ]
