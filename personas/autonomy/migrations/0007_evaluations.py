"""An evaluation of a card by an engine is a row that nobody changes."""

from pathlib import Path

from django.db import migrations, models

import audit.fields

SQL = Path(__file__).parent.parent / "sql" / "0007_evaluations.sql"


class Migration(migrations.Migration):
    """Makes the table, then reads the frozen file once."""

    dependencies = [
        ("approvals", "0002_doors"),
        ("autonomy", "0006_lighter"),
    ]

    operations = [
        migrations.CreateModel(
            name="Evaluation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("card", models.CharField(max_length=60)),
                (
                    "engine",
                    models.CharField(help_text="as the gate calls it in answers", max_length=120),
                ),
                ("model_digest", models.CharField(db_default="", max_length=80)),
                (
                    "prompt_digest",
                    models.CharField(help_text="of the card's prompts, then", max_length=64),
                ),
                ("set_digest", models.CharField(help_text="of the cases, then", max_length=64)),
                (
                    "figures",
                    models.JSONField(help_text="asked, grades, and how far confidence came true"),
                ),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "ordering": ["-at"],
                "indexes": [
                    models.Index(
                        models.F("card"),
                        models.F("engine"),
                        models.OrderBy(models.F("at"), descending=True),
                        name="evaluation_newest",
                    )
                ],
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
