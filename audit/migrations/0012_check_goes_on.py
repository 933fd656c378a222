"""A check remembers where it ended, so that the next one goes on from there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0011_receipts"),
    ]

    operations = [
        migrations.AddField(
            model_name="check",
            name="hash",
            field=models.BinaryField(help_text="of entry `to_seq`, as it was found", null=True),
        ),
        migrations.AddField(
            model_name="check",
            name="size",
            field=models.BigIntegerField(
                db_default=0, help_text="of the newest tree head there was"
            ),
        ),
    ]
