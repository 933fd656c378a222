"""A card may be a server of OpenAI's API, which holds its own models."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns; every card that is there is an Ollama."""

    dependencies = [("gpu", "0005_going_on")]
    operations = [
        migrations.AddField(
            "card",
            "serves",
            models.JSONField(
                default=dict,
                db_default={},
                help_text="slot and its model at a server of OpenAI's API; none: an Ollama",
            ),
        ),
        migrations.AddField(
            "card",
            "key_file",
            models.CharField(db_default="", default="", help_text="with its key", max_length=400),
        ),
    ]
