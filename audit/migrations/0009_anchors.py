"""Anchors are declared beside the witnesses."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0008_values"),
    ]

    operations = [
        migrations.AddField(
            model_name="witnessing",
            name="anchors",
            field=models.JSONField(
                db_default={}, help_text="further places that keep the digest of a tree head"
            ),
        ),
    ]
