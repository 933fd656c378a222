import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cmdb", "0011_desk"),
    ]

    operations = [
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="what it is, whoever sees it", max_length=200, unique=True
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("host", "host"),
                            ("service", "service"),
                            ("attribute", "attribute"),
                        ],
                        max_length=12,
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "about",
                    models.CharField(
                        db_default="",
                        help_text="the CI it is seen on",
                        max_length=64,
                        verbose_name="on",
                    ),
                ),
                (
                    "ref",
                    models.CharField(help_text="of the CI that it is, or would be", max_length=64),
                ),
                (
                    "said",
                    models.JSONField(help_text="what accepting it says, field by field"),
                ),
                ("source", models.CharField(help_text="who saw it first", max_length=100)),
                (
                    "seen",
                    models.JSONField(db_default=[], help_text="what each source saw, and when"),
                ),
                (
                    "times",
                    models.BigIntegerField(db_default=1, help_text="how often it was seen"),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "proposed"),
                            ("accepted", "accepted"),
                            ("declined", "declined"),
                            ("withdrawn", "withdrawn"),
                        ],
                        db_default="proposed",
                        max_length=10,
                    ),
                ),
                (
                    "proposed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("decided_by", models.CharField(db_default="", max_length=150)),
                ("decided_at", models.DateTimeField(null=True)),
                ("why", models.CharField(db_default="", max_length=500)),
            ],
            options={
                "verbose_name": "proposal",
                "indexes": [models.Index("state", "last_seen_at", name="proposal_waits")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ("host", "service", "attribute")),
                            ("state__in", ("proposed", "accepted", "declined", "withdrawn")),
                        ),
                        name="proposal_known",
                    )
                ],
            },
        ),
    ]
