"""The figures of a period find the promises that ended in it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two indexes."""

    dependencies = [
        ("sla", "0002_promises"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="stopwatch",
            index=models.Index(
                models.F("since"),
                condition=models.Q(("phase", "stopped")),
                name="stopwatch_stopped",
            ),
        ),
        migrations.AddIndex(
            model_name="stopwatch",
            index=models.Index(
                models.F("due_at"),
                condition=models.Q(("due_at__isnull", False)),
                name="stopwatch_target",
            ),
        ),
    ]
