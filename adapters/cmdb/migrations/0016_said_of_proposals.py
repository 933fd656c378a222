"""What is said of a proposal's source and of how often it was seen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0015_historymark")]

    operations = [
        migrations.AlterField(
            "proposal",
            "source",
            models.CharField(help_text="the first who saw it and had room", max_length=100),
        ),
        migrations.AlterField(
            "proposal",
            "times",
            models.BigIntegerField(db_default=1, help_text="how often its newest 8 sources saw it"),
        ),
    ]
