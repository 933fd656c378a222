"""Looks read what is new, not all that ever was: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations, models
from django.db.models import Q

SQL = Path(__file__).resolve().parent.parent / "sql" / "0008_followed_to.sql"


class Migration(migrations.Migration):
    """Adds how far was looked and the index of what waits, then reads the frozen file once."""

    dependencies = [("pulls", "0007_to_look_at")]
    operations = [
        migrations.AddField(
            "forgelook",
            "followed_to",
            models.DateTimeField(
                null=True, help_text="what was opened there until then is followed"
            ),
        ),
        migrations.AddIndex(
            "followed",
            models.Index(
                models.F("ticket_ref"),
                name="followed_waiting",
                condition=~Q(url="") & Q(state="open"),
            ),
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
