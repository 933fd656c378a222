"""What osquery found on hosts: see the SQL file of the same name for rights."""

from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0004_query_results.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("telemetry", "0003_bus"),
    ]

    operations = [
        migrations.CreateModel(
            name="QueryLog",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("path", models.CharField(max_length=500)),
                ("hosts", models.JSONField(help_text="hostIdentifier to CI")),
                ("retired", models.BooleanField(db_default=False)),
                (
                    "position",
                    models.CharField(
                        db_default="", help_text="opaque: where to go on", max_length=500
                    ),
                ),
                ("read_at", models.DateTimeField(help_text="our clock", null=True)),
                (
                    "unread",
                    models.BigIntegerField(db_default=0, help_text="lines that were no results"),
                ),
                (
                    "unplaced",
                    models.BigIntegerField(
                        db_default=0, help_text="results of hosts without a CI here"
                    ),
                ),
                ("lost_at", models.DateTimeField(null=True)),
                ("fault", models.CharField(db_default="", max_length=300)),
            ],
            options={
                "verbose_name": "log of query results",
                "verbose_name_plural": "logs of query results",
            },
        ),
        migrations.CreateModel(
            name="Result",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("ci", models.CharField(max_length=200)),
                ("query", models.CharField(max_length=100)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("added", "added"),
                            ("removed", "removed"),
                            ("snapshot", "snapshot"),
                        ],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField(help_text="the host's clock, never ahead of ours")),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("epoch", models.BigIntegerField()),
                ("counter", models.BigIntegerField()),
                ("rows", models.JSONField()),
                ("size", models.IntegerField()),
                ("whole", models.BooleanField()),
            ],
            options={
                "verbose_name": "query result",
                "verbose_name_plural": "query results",
                "indexes": [
                    models.Index(
                        models.F("ci"), models.F("query"), models.F("at"), name="result_of_query"
                    ),
                    models.Index(
                        models.F("ci"),
                        models.OrderBy(models.F("seen_at"), descending=True),
                        name="result_of_ci",
                    ),
                    models.Index(models.F("seen_at"), name="result_age"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("action__in", ("added", "removed", "snapshot"))),
                        name="result_action_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            SQL.read_text(encoding="utf-8"),
            reverse_sql="DROP VIEW reading.query_log, reading.query_result;",
        ),
    ]
