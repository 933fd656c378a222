"""Files kept with tickets, and who watches them."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0006_files_and_watchers.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0005_four_classes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("n", models.IntegerField(help_text="the line of the worklog that says so")),
                ("name", models.CharField(max_length=200)),
                (
                    "media_type",
                    models.CharField(help_text="as it was said; nobody has looked", max_length=100),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.IntegerField(help_text="bytes")),
                ("content", models.BinaryField()),
                ("by", models.CharField(max_length=150)),
                (
                    "visibility",
                    models.CharField(
                        choices=[("public", "public"), ("private", "private")], max_length=16
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="tickets.ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "attachment",
                "constraints": [
                    models.UniqueConstraint(fields=("ticket", "n"), name="attachment_numbered"),
                    models.CheckConstraint(
                        condition=models.Q(("visibility__in", ("public", "private"))),
                        name="attachment_visibility",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("size__gt", 0)), name="attachment_not_empty"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Watcher",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("person", models.CharField(db_default="", help_text="a login", max_length=150)),
                (
                    "address",
                    models.CharField(db_default="", help_text="an address of mail", max_length=254),
                ),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("asked", "asked"),
                            ("mentioned", "mentioned"),
                            ("wrote", "wrote"),
                            ("requested", "requested"),
                        ],
                        max_length=32,
                    ),
                ),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="watchers",
                        to="tickets.ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "watcher",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("person", ""), _negated=True),
                        fields=("ticket", "person"),
                        name="watcher_person_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("address", ""), _negated=True),
                        fields=("ticket", "address"),
                        name="watcher_address_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("person", ""), ("address", ""), _connector="XOR"),
                        name="watcher_person_or_address",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("why__in", ("asked", "mentioned", "wrote", "requested"))
                        ),
                        name="watcher_why",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8")),
    ]
