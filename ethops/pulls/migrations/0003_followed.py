"""Rows of what is followed to its end."""

from django.db import migrations, models

import audit.fields


class Migration(migrations.Migration):
    dependencies = [("pulls", "0002_review")]

    operations = [
        migrations.CreateModel(
            name="Followed",
            fields=[
                (
                    "key",
                    models.UUIDField(
                        help_text="the action that opened it", primary_key=True, serialize=False
                    ),
                ),
                ("number", models.BigIntegerField()),
                ("ticket_ref", models.CharField(db_default="", max_length=64)),
                ("title", models.CharField(max_length=200)),
                (
                    "url",
                    models.CharField(
                        db_default="", help_text="empty: at the forge here", max_length=500
                    ),
                ),
                ("head", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("merged", "merged"), ("closed", "closed")],
                        db_default="open",
                        max_length=8,
                    ),
                ),
                ("merged_as", models.CharField(db_default="", max_length=64)),
                ("ended_by", models.CharField(db_default="", max_length=150)),
                ("ended_why", models.CharField(db_default="", max_length=500)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "reviews",
                    models.JSONField(
                        db_default=[], help_text="what was said there; it counts nothing"
                    ),
                ),
                (
                    "mark",
                    models.CharField(
                        db_default="", help_text="its last change, in their words", max_length=60
                    ),
                ),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "missing",
                    models.IntegerField(
                        db_default=0, help_text="looks in a row that found it nowhere"
                    ),
                ),
                (
                    "ends",
                    models.IntegerField(
                        db_default=0, help_text="how often it was merged or closed"
                    ),
                ),
                (
                    "told",
                    models.BooleanField(db_default=True, help_text="nothing is left to be told"),
                ),
                (
                    "action",
                    models.UUIDField(
                        help_text="what was ordered last, to tell the ticket", null=True
                    ),
                ),
                (
                    "tries",
                    models.IntegerField(
                        db_default=0, help_text="orders in a row that came to nothing"
                    ),
                ),
                ("next_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "followed pull request",
                "indexes": [
                    models.Index(
                        models.F("seen_at"),
                        name="followed_to_see",
                        condition=models.Q(("state", "merged"), ("url", ""), _negated=True),
                    ),
                    models.Index(
                        models.F("key"),
                        name="followed_untold",
                        condition=models.Q(("told", False)),
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("open", "merged", "closed"))),
                        name="followed_state_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ForgeLook",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
                (
                    "misses",
                    models.IntegerField(db_default=0, help_text="looks in a row without an answer"),
                ),
                ("away_since", models.DateTimeField(null=True)),
                ("said", models.CharField(db_default="", max_length=300)),
            ],
            options={
                "verbose_name": "look at the forge",
                "verbose_name_plural": "looks at the forge",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_look")
                ],
            },
        ),
    ]
