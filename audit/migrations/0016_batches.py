"""A batch is appended in few statements, and stamped once."""

from pathlib import Path

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import audit.fields

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("audit", "0015_own_names")]
    operations = [
        migrations.CreateModel(
            name="Appended",
            fields=[
                (
                    "work",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="audit.work",
                    ),
                ),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "appended work",
                "verbose_name_plural": "appended work",
            },
        ),
        # With the list of what is not yet sorted in, an append does not sort it in one by one.
        migrations.RemoveIndex(model_name="entry", name="entry_cis"),
        migrations.AddIndex(
            model_name="entry",
            index=django.contrib.postgres.indexes.GinIndex(
                audit.fields.CisOf("body"), name="entry_cis"
            ),
        ),
        migrations.RunSQL(
            (SQL / "0016_batches.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
    ]
