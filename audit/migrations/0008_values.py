"""Values beside the ledger, acknowledged damage, strict notes."""

from pathlib import Path

from django.db import migrations, models

import audit.fields

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0007_tree"),
    ]

    operations = [
        migrations.CreateModel(
            name="Acknowledgement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("findings_digest", models.CharField(max_length=64)),
                ("findings", models.JSONField()),
                ("to_seq", models.BigIntegerField()),
                ("by", models.CharField(max_length=150)),
                ("why", models.TextField()),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("findings_digest"), models.F("at"), name="acknowledgement_of"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Value",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("salt", models.BinaryField(null=True)),
                ("value", models.TextField(null=True)),
                (
                    "about",
                    models.CharField(
                        help_text="subject of the entry that holds it", max_length=200
                    ),
                ),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
                ("emptied_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "value beside the ledger",
                "verbose_name_plural": "values beside the ledger",
                "indexes": [models.Index(models.F("about"), name="value_about")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("emptied_at", None),
                                ("salt__isnull", False),
                                ("value__isnull", False),
                            ),
                            models.Q(
                                ("emptied_at__isnull", False), ("salt", None), ("value", None)
                            ),
                            _connector="OR",
                        ),
                        name="value_whole_or_gone",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "0008_values.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
    ]
