"""The Merkle tree: tiles, signed heads, keys of the log."""

from pathlib import Path

from django.db import migrations, models

import audit.fields

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0006_names"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogKey",
            fields=[
                ("n", models.BigAutoField(primary_key=True, serialize=False)),
                ("vkey", models.TextField(unique=True)),
                (
                    "from_size",
                    models.BigIntegerField(help_text="of the first tree head that it may sign"),
                ),
                (
                    "statement",
                    models.TextField(help_text="a note of the key before; empty for the first"),
                ),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "verbose_name": "key of the log",
                "verbose_name_plural": "keys of the log",
                "ordering": ["n"],
            },
        ),
        migrations.CreateModel(
            name="Tile",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "level",
                        "index",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("level", models.SmallIntegerField()),
                ("index", models.BigIntegerField()),
                ("hashes", models.BinaryField()),
            ],
            options={
                "verbose_name": "tile of the tree",
                "verbose_name_plural": "tiles of the tree",
            },
        ),
        migrations.CreateModel(
            name="TreeHead",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
                (
                    "note",
                    models.TextField(help_text="the signed tree head, without lines of witnesses"),
                ),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "verbose_name": "tree head",
                "verbose_name_plural": "tree heads",
                "ordering": ["-size"],
            },
        ),
        migrations.CreateModel(
            name="Signing",
            fields=[
                ("id", models.SmallIntegerField(db_default=1, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("following", "following"), ("refused", "refused")], max_length=12
                    ),
                ),
                ("code", models.CharField(db_default="", max_length=40)),
                ("detail", models.TextField(db_default="")),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "verbose_name": "state of signing",
                "verbose_name_plural": "state of signing",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="signing_single")
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "0007_tree.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
    ]
