"""Steadier looks: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0006_steady.sql"


class Migration(migrations.Migration):
    """Adds what a look needs to know, then reads the frozen file once."""

    dependencies = [("pulls", "0005_closing")]
    operations = [
        migrations.AddField(
            "followed",
            "asked_at",
            models.DateTimeField(null=True, help_text="whatever came of it"),
        ),
        migrations.AddField(
            "followed",
            "unread",
            models.IntegerField(
                db_default=0, help_text="looks in a row that could not read it, and others"
            ),
        ),
        migrations.AddField(
            "forgelook",
            "busy_until",
            models.DateTimeField(null=True, help_text="somebody is at it, unless it died"),
        ),
        migrations.RemoveIndex("followed", "followed_to_see"),
        migrations.AddIndex(
            "followed",
            models.Index(
                models.F("asked_at"),
                name="followed_to_ask",
                condition=models.Q(("state", "merged"), ("url", ""), _negated=True),
            ),
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
