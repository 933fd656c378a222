"""Incarnations sign; permits have a deadline; nothing risky on a ledger that does not verify."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import audit.fields

SQL = Path(__file__).parent.parent / "sql" / "0006_incarnations"


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0008_values"),
        ("personas", "0005_held_back"),
    ]

    operations = [
        migrations.AddField(
            model_name="action",
            name="abandoned_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="action",
            name="args_digest",
            field=models.CharField(
                db_default="", help_text="commitment to the arguments as authorised", max_length=64
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="asked_digest",
            field=models.CharField(
                db_default="", help_text="commitment to the arguments as asked", max_length=64
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="deadline",
            field=models.DateTimeField(help_text="after this somebody has to look", null=True),
        ),
        migrations.AddField(
            model_name="action",
            name="risk",
            field=models.CharField(db_default="", max_length=20),
        ),
        migrations.AddField(
            model_name="action",
            name="said_digest",
            field=models.CharField(db_default="", max_length=64),
        ),
        migrations.AddField(
            model_name="action",
            name="salt",
            field=models.BinaryField(help_text="of the commitment in the statement", null=True),
        ),
        migrations.AddField(
            model_name="action",
            name="signature",
            field=models.CharField(db_default="", max_length=128),
        ),
        migrations.AddField(
            model_name="action",
            name="statement",
            field=models.TextField(db_default="", help_text="what the incarnation signed"),
        ),
        migrations.CreateModel(
            name="Incarnation",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("step", models.IntegerField()),
                (
                    "public_key",
                    models.BinaryField(
                        help_text="Ed25519; the private half never leaves the worker"
                    ),
                ),
                (
                    "signed",
                    models.IntegerField(
                        db_default=0, help_text="how many statements it has signed"
                    ),
                ),
                (
                    "last",
                    models.BinaryField(
                        db_default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                        help_text="hash of its last statement",
                    ),
                ),
                ("holder", models.CharField(max_length=200)),
                ("born_at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
                ("ended_at", models.DateTimeField(null=True)),
                ("ending", models.CharField(db_default="", max_length=20)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incarnations",
                        to="personas.run",
                    ),
                ),
                (
                    "work",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audit.work",
                    ),
                ),
            ],
            options={
                "ordering": ["born_at"],
            },
        ),
        migrations.AddField(
            model_name="action",
            name="incarnation",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, to="personas.incarnation"
            ),
        ),
        migrations.AddIndex(
            model_name="action",
            index=models.Index(
                models.F("deadline"),
                condition=models.Q(
                    ("abandoned_at", None), ("outcome", ""), ("verdict", "authorised")
                ),
                name="action_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="incarnation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("run",),
                name="incarnation_one_per_run",
            ),
        ),
        *(
            migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
            for file in sorted(SQL.glob("*.sql"))
        ),
    ]
