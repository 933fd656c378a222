"""Silences that windows want."""

import uuid

from django.db import migrations, models

import audit.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Muting",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("window", models.BigIntegerField(help_text="the maintenance window")),
                ("number", models.IntegerField(help_text="which of its silences")),
                ("alertmanager", models.CharField(max_length=64)),
                ("url", models.CharField(max_length=500)),
                ("matchers", models.JSONField()),
                ("begins_at", models.DateTimeField()),
                ("until", models.DateTimeField(help_text="when it is to end")),
                (
                    "may_until",
                    models.DateTimeField(
                        help_text="the latest end that it may have there; none: never asked",
                        null=True,
                    ),
                ),
                (
                    "agreed",
                    models.BooleanField(
                        db_default=False, help_text="it has the end that is wanted"
                    ),
                ),
                ("action", models.UUIDField(help_text="what was ordered last", null=True)),
                (
                    "asked_until",
                    models.DateTimeField(help_text="the end that was ordered last", null=True),
                ),
                (
                    "tries",
                    models.IntegerField(
                        db_default=0, help_text="orders in a row that came to nothing"
                    ),
                ),
                ("next_at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
                ("said", models.CharField(db_default="", max_length=300)),
                ("declared_at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "verbose_name": "silence of a window",
                "verbose_name_plural": "silences of windows",
                "indexes": [models.Index(models.F("until"), name="muting_until")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("window", "alertmanager", "number"), name="muting_once"
                    )
                ],
            },
        ),
    ]
