"""The site file says which CIs an environment has."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Three columns; what was there is declared by nobody and has no CIs."""

    dependencies = [("personas", "0023_used")]
    operations = [
        migrations.AddField(
            model_name="environment",
            name="declared",
            field=models.BooleanField(db_default=False, help_text="by the site file"),
        ),
        migrations.AddField(
            model_name="environment",
            name="cis",
            field=models.JSONField(
                db_default=[], default=list, help_text="refs of CIs that are its own"
            ),
        ),
        migrations.AddField(
            model_name="environment",
            name="classes",
            field=models.JSONField(db_default=[], default=list, help_text="classes of such CIs"),
        ),
    ]
