"""Witnesses, what they signed, and anchors."""

from pathlib import Path

from django.db import migrations, models

import audit.fields

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0004_relay"),
    ]

    operations = [
        migrations.CreateModel(
            name="Anchor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("size", models.BigIntegerField()),
                ("kind", models.CharField(max_length=40)),
                ("receipt", models.BinaryField()),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        models.F("kind"),
                        models.OrderBy(models.F("size"), descending=True),
                        name="anchor_newest",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("size", models.BigIntegerField()),
                ("witness", models.CharField(max_length=200)),
                ("administrator", models.CharField(max_length=200)),
                ("line", models.TextField()),
                ("at", models.DateTimeField(help_text="the time inside the signature")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("size", "witness"), name="cosignature_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Witness",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("vkey", models.TextField()),
                ("url", models.TextField()),
                ("administrator", models.CharField(max_length=200)),
                ("enabled", models.BooleanField(db_default=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "new"),
                            ("well", "well"),
                            ("away", "away"),
                            ("refuses", "refuses"),
                            ("ahead", "ahead"),
                        ],
                        db_default="new",
                        max_length=10,
                    ),
                ),
                ("said", models.TextField(db_default="", help_text="what is wrong, in words")),
                (
                    "size",
                    models.BigIntegerField(
                        db_default=0, help_text="largest tree head that it signed"
                    ),
                ),
                ("asked_at", models.DateTimeField(null=True)),
                ("signed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "witnesses",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["new", "well", "away", "refuses", "ahead"])
                        ),
                        name="witness_state_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Witnessing",
            fields=[
                ("id", models.SmallIntegerField(db_default=1, primary_key=True, serialize=False)),
                ("administrator", models.CharField(db_default="", max_length=200)),
                (
                    "quorum",
                    models.SmallIntegerField(
                        db_default=0,
                        help_text="independent administrators; 0 lets risky effects begin without",
                    ),
                ),
                ("set_at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="witnessing_single"),
                    models.CheckConstraint(
                        condition=models.Q(("quorum__gte", 0)), name="witnessing_quorum"
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "0005_witness.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
    ]
