"""What a site's own iTop demands, and who may read it."""

from pathlib import Path
from typing import ClassVar

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0006_site_fields.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies: ClassVar = [("itop", "0005_named")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="SiteField",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("itop_class", models.CharField(max_length=64)),
                (
                    "at",
                    models.CharField(help_text="`create`, or a state of iTop's", max_length=64),
                ),
                (
                    "values",
                    models.JSONField(
                        default=dict, help_text="attribute -> value, or what names an object"
                    ),
                ),
            ],
            options={
                "verbose_name": "field that a site's iTop demands",
                "verbose_name_plural": "fields that a site's iTop demands",
                "constraints": [
                    models.UniqueConstraint(fields=("itop_class", "at"), name="site_field_once")
                ],
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=migrations.RunSQL.noop),
    ]
