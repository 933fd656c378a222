"""The index of those to look at has their order, and leaves out ours and what is merged."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """The condition before left out only what was merged here: it held nearly every row."""

    dependencies = [("pulls", "0006_steady")]
    operations = [
        migrations.RemoveIndex("followed", "followed_to_ask"),
        migrations.AddIndex(
            "followed",
            models.Index(
                F("asked_at").asc(nulls_first=True),
                F("key"),
                name="followed_to_look_at",
                condition=~Q(url="") & ~Q(state="merged"),
            ),
        ),
    ]
