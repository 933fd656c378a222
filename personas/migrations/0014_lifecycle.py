"""The lifecycle of runs, environments with their bounds, isolated cards."""

import django.db.models.deletion
from django.db import migrations, models

import audit.fields


class Migration(migrations.Migration):
    dependencies = [
        ("personas", "0013_expired"),
    ]

    operations = [
        migrations.CreateModel(
            name="Environment",
            fields=[
                ("name", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("max_concurrent", models.IntegerField(db_default=4)),
                ("max_queued", models.IntegerField(db_default=100)),
            ],
        ),
        migrations.CreateModel(
            name="IsolatedCard",
            fields=[
                (
                    "card",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="personas.card",
                    ),
                ),
                ("by", models.CharField(max_length=150)),
                ("why", models.TextField()),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "verbose_name": "isolated card",
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_state", models.CharField(help_text="empty at its birth", max_length=12)),
                ("state", models.CharField(max_length=12)),
                ("step", models.IntegerField(help_text="how many steps it had taken")),
                ("why", models.TextField(db_default="")),
                ("told_by", models.CharField(db_default="", max_length=150)),
                ("at", models.DateTimeField(db_default=audit.fields.ClockTimestamp())),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="run",
            name="run_one_live_per_ticket",
        ),
        migrations.RemoveConstraint(
            model_name="run",
            name="run_state_known",
        ),
        migrations.AddField(
            model_name="agentintent",
            name="environment",
            field=models.CharField(db_default="operations", max_length=60),
        ),
        migrations.AddField(
            model_name="agentintent",
            name="job",
            field=models.CharField(
                db_default="", help_text="a job elsewhere, if any", max_length=100
            ),
        ),
        migrations.AddField(
            model_name="agentintent",
            name="requested_by",
            field=models.CharField(db_default="", max_length=150),
        ),
        migrations.AddField(
            model_name="agentintent",
            name="tenant",
            field=models.CharField(db_default="", max_length=60),
        ),
        migrations.AddField(
            model_name="run",
            name="dead_letter",
            field=models.BooleanField(db_default=False, help_text="its retries are used up"),
        ),
        migrations.AddField(
            model_name="run",
            name="held_at",
            field=models.DateTimeField(help_text="since when its clock stands still", null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="max_duration_s",
            field=models.IntegerField(db_default=3600, help_text="counted from its start"),
        ),
        migrations.AddField(
            model_name="run",
            name="retries",
            field=models.IntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="run",
            name="started_at",
            field=models.DateTimeField(help_text="when it first had a place", null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="starts",
            field=models.IntegerField(db_default=0, help_text="how often it was given a place"),
        ),
        migrations.AddField(
            model_name="run",
            name="told_by",
            field=models.CharField(
                db_default="", help_text="the person who put it there", max_length=150
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="why",
            field=models.TextField(
                db_default="", help_text="why it is in this state, if that was said"
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "pending"),
                    ("starting", "starting"),
                    ("running", "running"),
                    ("waiting", "waiting"),
                    ("succeeded", "succeeded"),
                    ("failed", "failed"),
                    ("retrying", "retrying"),
                    ("timed_out", "timed_out"),
                    ("cancelled", "cancelled"),
                    ("paused", "paused"),
                    ("isolated", "isolated"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ["pending", "starting", "running", "waiting", "paused", "retrying"],
                    )
                ),
                fields=("ticket_ref",),
                name="run_one_live_per_ticket",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "pending",
                            "starting",
                            "running",
                            "waiting",
                            "succeeded",
                            "failed",
                            "retrying",
                            "timed_out",
                            "cancelled",
                            "paused",
                            "isolated",
                        ],
                    )
                ),
                name="run_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="environment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_concurrent__range", (0, 1000)), ("max_queued__range", (0, 100000))
                ),
                name="environment_bounds",
            ),
        ),
        migrations.AddField(
            model_name="transition",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transitions",
                to="personas.run",
            ),
        ),
    ]
