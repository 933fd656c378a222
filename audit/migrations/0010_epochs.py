"""Retention, epochs, what people did while the ledger was down."""

from pathlib import Path

from django.db import migrations, models

import audit.fields

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0009_anchors"),
    ]

    operations = [
        migrations.CreateModel(
            name="BreakGlass",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=audit.fields.RandomUuid(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("who", models.CharField(max_length=150)),
                ("what", models.TextField()),
                ("ticket_ref", models.CharField(max_length=40)),
                (
                    "claimed_at",
                    models.DateTimeField(help_text="when it was done, as its doer says"),
                ),
                ("recorded_at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
                ("evidence_sha256", models.CharField(max_length=64)),
                ("imported_by", models.CharField(max_length=150)),
                (
                    "single_operator",
                    models.BooleanField(help_text="whether only one person operates this house"),
                ),
                ("acknowledged_by", models.CharField(db_default="", max_length=150)),
                ("acknowledged_why", models.TextField(db_default="")),
                ("acknowledged_at", models.DateTimeField(null=True)),
                (
                    "independent",
                    models.BooleanField(help_text="acknowledged by somebody else", null=True),
                ),
            ],
            options={
                "verbose_name": "act past the ledger",
                "verbose_name_plural": "acts past the ledger",
                "ordering": ["claimed_at"],
                "indexes": [
                    models.Index(
                        models.F("claimed_at"),
                        condition=models.Q(("acknowledged_at", None)),
                        name="breakglass_debt",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("who", "claimed_at", "evidence_sha256"), name="breakglass_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "0010_epochs.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
    ]
