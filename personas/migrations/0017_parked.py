"""A run that waits for people alone is parked."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql" / "0017_parked.sql"


class Migration(migrations.Migration):
    """Makes the state known, then what moves runs into it."""

    dependencies = [("personas", "0016_holders")]

    operations = [
        migrations.RemoveConstraint(
            model_name="run",
            name="run_one_live_per_ticket",
        ),
        migrations.RemoveConstraint(
            model_name="run",
            name="run_state_known",
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
                    ("parked", "parked"),
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
                        [
                            "pending",
                            "starting",
                            "running",
                            "waiting",
                            "parked",
                            "paused",
                            "retrying",
                        ],
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
                            "parked",
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
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
