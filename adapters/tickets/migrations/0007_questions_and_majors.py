"""What agents ask of people, and which incidents are major ones."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0007_questions_and_majors.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0006_files_and_watchers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Major",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="major",
                        serialize=False,
                        to="tickets.ticket",
                    ),
                ),
                (
                    "lead",
                    models.CharField(
                        db_default="", help_text="a person; empty asks for one", max_length=150
                    ),
                ),
                ("declared_by", models.CharField(max_length=150)),
                (
                    "declared_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("criteria", models.JSONField(help_text="why it is one, each in a line")),
                (
                    "update_minutes",
                    models.SmallIntegerField(help_text="people are told anew so often"),
                ),
                ("ended_by", models.CharField(db_default="", max_length=150)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "major incident",
                "ordering": ["-declared_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("update_minutes__range", (5, 1440))),
                        name="major_update_minutes",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("n", models.SmallIntegerField(help_text="Q1 is the ticket's first")),
                (
                    "name",
                    models.CharField(
                        help_text="under which the answer becomes a fact", max_length=40
                    ),
                ),
                ("text", models.CharField(max_length=1000)),
                (
                    "answers",
                    models.JSONField(help_text="the fixed words, one of which is the answer"),
                ),
                ("asked_by", models.CharField(max_length=150)),
                ("action_id", models.UUIDField(unique=True)),
                (
                    "asked_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("answer", models.CharField(db_default="", max_length=20)),
                ("answered_by", models.CharField(db_default="", max_length=150)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "withdrawn_at",
                    models.DateTimeField(help_text="nobody needs the answer any more", null=True),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="questions",
                        to="tickets.ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "question",
                "ordering": ["ticket", "n"],
                "constraints": [
                    models.UniqueConstraint(fields=("ticket", "n"), name="question_numbered"),
                    models.UniqueConstraint(fields=("ticket", "name"), name="question_asked_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at", None), ("answered_by", "")),
                            models.Q(
                                models.Q(("answer", ""), _negated=True),
                                models.Q(("answered_by", ""), _negated=True),
                                ("answered_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="question_answered_by_somebody",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8")),
    ]
