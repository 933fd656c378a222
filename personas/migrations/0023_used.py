"""Uses within the hour are found without all that was only asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One index in the place of another."""

    dependencies = [("personas", "0022_newest_first")]
    operations = [
        migrations.RemoveIndex(model_name="action", name="action_entry"),
        migrations.AddIndex(
            model_name="action",
            index=models.Index(
                models.F("entry"),
                models.OrderBy(models.F("decided_at"), descending=True),
                condition=models.Q(
                    ("verdict", "authorised"), models.Q(("entry", ""), _negated=True)
                ),
                name="action_used",
            ),
        ),
    ]
