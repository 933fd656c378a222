"""Levels of single CIs below those of their classes."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import audit.fields

SQL = Path(__file__).parent.parent / "sql" / "0009_kept.sql"


class Migration(migrations.Migration):
    """Makes the table, and reads the frozen file once."""

    dependencies = [
        ("autonomy", "0008_taken_back"),
        ("personas", "0023_used"),
        ("guardrails", "0007_at_once"),
    ]

    operations = [
        migrations.AddField(
            model_name="change",
            name="ci_ref",
            field=models.CharField(
                db_default="", help_text="where it was set for one CI alone", max_length=200
            ),
        ),
        migrations.CreateModel(
            name="Kept",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("entry", models.CharField(max_length=60)),
                ("ci_ref", models.CharField(max_length=200)),
                ("ci_class", models.CharField(help_text="as it was then", max_length=60)),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("observe", "observe"),
                            ("propose", "propose"),
                            ("veto", "veto"),
                            ("act", "act"),
                        ],
                        max_length=10,
                    ),
                ),
                ("set_by", models.CharField(max_length=150)),
                ("why", models.TextField()),
                ("set_at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
                (
                    "card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="personas.card"
                    ),
                ),
            ],
            options={
                "verbose_name": "level of a CI",
                "verbose_name_plural": "levels of CIs",
                "ordering": ["card", "entry", "ci_ref"],
                "constraints": [
                    models.UniqueConstraint(fields=("card", "entry", "ci_ref"), name="kept_once"),
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ["observe", "propose", "veto", "act"])),
                        name="kept_level",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
