"""An approval has a life of its own, and rests on what is so when it is given."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql" / "0007_life"


class Migration(migrations.Migration):
    """Makes the columns, then reads the frozen files once, in their order."""

    dependencies = [
        ("approvals", "0006_arguments"),
        ("autonomy", "0002_breaker"),
        ("monitoring", "0002_views_and_grants"),
        ("personas", "0017_parked"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="profile",
            name="profile_bounds",
        ),
        migrations.RemoveField(
            model_name="profile",
            name="expires_s",
        ),
        migrations.AddField(
            model_name="approval",
            name="confirmed",
            field=models.TextField(
                db_default="", help_text="the facts' bytes as he was shown them when he approved"
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="confirmed_sha256",
            field=models.CharField(db_default="", max_length=64),
        ),
        migrations.AddField(
            model_name="profile",
            name="emergency_s",
            field=models.IntegerField(db_default=28800, help_text="so long, of an emergency"),
        ),
        migrations.AddField(
            model_name="profile",
            name="normal_s",
            field=models.IntegerField(db_default=259200, help_text="so long, of a normal change"),
        ),
        migrations.AddField(
            model_name="profile",
            name="standard_s",
            field=models.IntegerField(db_default=86400, help_text="so long a proposal waits"),
        ),
        migrations.AddConstraint(
            model_name="profile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("delay_s__range", (30, 86400)),
                    ("veto_s__range", (30, 86400)),
                    ("normal_s__range", (60, 2592000)),
                    ("standard_s__range", (60, 2592000)),
                    ("emergency_s__range", (60, 2592000)),
                ),
                name="profile_bounds",
            ),
        ),
        *(
            migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
            for file in sorted(SQL.glob("*.sql"))
        ),
    ]
