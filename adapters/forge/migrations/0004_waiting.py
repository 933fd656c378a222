"""A ticket's pull requests that wait are found by their index."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Few wait, however many there were."""

    dependencies = [("forge", "0003_ended")]
    operations = [
        migrations.AddIndex(
            "pullrequest",
            models.Index(
                models.F("ticket_ref"),
                name="pull_waiting",
                condition=Q(state__in=("open", "merging")),
            ),
        ),
    ]
