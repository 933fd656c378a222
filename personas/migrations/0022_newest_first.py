"""The newest runs and actions are found without sorting all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0019_rush"),
        ("personas", "0021_written_out"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="action",
            index=models.Index(
                models.OrderBy(models.F("decided_at"), descending=True), name="action_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.OrderBy(models.F("created_at"), descending=True), name="run_newest"
            ),
        ),
    ]
