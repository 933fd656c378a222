"""A batch that waits for its stamp is one row; in a rush nobody calls the recorder."""

from pathlib import Path

import django.contrib.postgres.fields
from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once, between the table that comes and the one that goes."""

    dependencies = [("audit", "0018_verdicts")]
    operations = [
        migrations.CreateModel(
            name="Unstamped",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "works",
                    django.contrib.postgres.fields.ArrayField(
                        models.UUIDField(null=True), help_text="of its entries, in their order"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Looking",
            fields=[
                ("id", models.SmallIntegerField(db_default=1, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(
            (SQL / "0019_rush.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
        migrations.DeleteModel(name="Appended"),
    ]
