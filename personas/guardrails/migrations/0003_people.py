"""People approve cards through one door, on what they were shown."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Adds what was approved, word for word, then reads the frozen file once."""

    dependencies = [("guardrails", "0002_guards")]
    operations = [
        migrations.AddField(
            "cardapproval",
            "document",
            models.JSONField(db_default={}, default=dict, help_text="the card, as approved"),
        ),
        migrations.AddField(
            "cardapproval",
            "told",
            models.TextField(
                blank=True, db_default="", help_text="what its model is told, as approved"
            ),
        ),
        migrations.AddField(
            "cardapproval",
            "factor",
            models.CharField(blank=True, db_default="", max_length=10),
        ),
        migrations.AddField(
            "cardapproval",
            "independent",
            models.BooleanField(
                help_text="whether it was another than who loaded it; empty for a first load",
                null=True,
            ),
        ),
        migrations.RunSQL(
            (SQL / "0003_people.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
    ]
