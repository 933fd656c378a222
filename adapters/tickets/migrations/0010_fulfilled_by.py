"""Requests know which card does their steps, and by which entries."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parents[1] / "sql" / "0010_fulfilled_by.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0009_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="requestmodel",
            name="card",
            field=models.CharField(
                db_default="",
                help_text="whose runs do the steps that name an entry",
                max_length=60,
            ),
        ),
        migrations.AddField(
            model_name="requestmodel",
            name="entries",
            field=models.JSONField(
                db_default=[],
                default=list,
                help_text="of each step the entry that does it, or nothing",
            ),
        ),
        migrations.AddField(
            model_name="request",
            name="card",
            field=models.CharField(db_default="", max_length=60),
        ),
        migrations.AddField(
            model_name="requeststep",
            name="entry",
            field=models.CharField(
                db_default="",
                help_text="the entry that does it; a person where empty",
                max_length=60,
            ),
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8")),
    ]
