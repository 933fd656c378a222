"""What a check found is looked up often: damage, and the last whole walk."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0013_asked"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="check",
            index=models.Index(
                models.OrderBy(models.F("at"), descending=True),
                condition=models.Q(("whole", False)),
                name="check_broken",
            ),
        ),
        migrations.AddIndex(
            model_name="check",
            index=models.Index(
                models.OrderBy(models.F("at"), descending=True),
                condition=models.Q(("since", 0), ("whole", True)),
                name="check_whole",
            ),
        ),
    ]
