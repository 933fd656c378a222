"""What a probe's value was, hour by hour."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0004_change")]

    operations = [
        migrations.CreateModel(
            name="PastHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begin", models.DateTimeField(db_index=True)),
                ("low", models.FloatField()),
                ("middle", models.FloatField(help_text="median")),
                ("high", models.FloatField()),
                ("points", models.IntegerField(help_text="samples, or points of a range query")),
                (
                    "probe",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="past_hours",
                        to="monitoring.probe",
                    ),
                ),
            ],
            options={
                "verbose_name": "past hour",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("probe"), models.F("begin"), name="past_hour_once"
                    )
                ],
            },
        )
    ]
