"""The index by which the newest look of each line and outcome is found without sorting them all."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compliance", "0003_attested")]

    operations = [
        migrations.AddIndex(
            model_name="observation",
            index=models.Index(
                models.F("safeguard"),
                models.F("scope"),
                models.F("kind"),
                models.F("source"),
                models.F("outcome"),
                models.OrderBy(models.F("collected_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="observation_deciding",
            ),
        ),
    ]
