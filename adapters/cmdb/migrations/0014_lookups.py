"""CIs are found by what they are called and by what they say they are in iTop: see the SQL file."""

from pathlib import Path

from django.db import migrations, models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Lower

SQL = Path(__file__).resolve().parent.parent / "sql" / "0014_lookups.sql"


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0013_proposals")]

    operations = [
        migrations.AddIndex(
            model_name="ci",
            index=models.Index(Lower("name"), condition=models.Q(retired=False), name="ci_by_name"),
        ),
        migrations.AddIndex(
            model_name="ci",
            index=models.Index(
                KeyTextTransform("itop", "attributes"),
                condition=models.Q(retired=False),
                name="ci_by_itop",
            ),
        ),
        migrations.AddIndex(
            model_name="knownlink",
            index=models.Index("their_id", name="knownlink_by_their_id"),
        ),
        migrations.RunSQL(
            SQL.read_text(encoding="utf-8"),
            # What was before did the same and took longer.
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
