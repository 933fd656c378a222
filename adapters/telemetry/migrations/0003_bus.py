"""What comes over a bus: see the SQL file of the same name for rights."""

from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0003_bus.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("telemetry", "0002_views_and_grants"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("routing_key", models.CharField(max_length=200)),
                ("why", models.CharField(max_length=300)),
                ("size", models.BigIntegerField()),
                ("raw", models.TextField()),
            ],
            options={
                "verbose_name": "dead letter of the bus",
                "verbose_name_plural": "dead letters of the bus",
                "indexes": [models.Index(models.F("at"), name="dead_letter_age")],
            },
        ),
        migrations.CreateModel(
            name="Parcel",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name": "parcel of the bus",
                "verbose_name_plural": "parcels of the bus",
                "indexes": [models.Index(models.F("at"), name="parcel_age")],
            },
        ),
        migrations.RunSQL(
            SQL.read_text(encoding="utf-8"), reverse_sql="DROP VIEW reading.dead_letter;"
        ),
    ]
