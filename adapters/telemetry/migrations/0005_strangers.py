"""Which hosts write to a log of query results and have no CI there: see the SQL file."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0005_strangers.sql"


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0004_query_results")]

    operations = [
        migrations.AddField(
            model_name="querylog",
            name="strangers",
            field=models.JSONField(db_default={}, help_text="hosts without a CI here, the newest"),
        ),
        migrations.RunSQL(
            SQL.read_text(encoding="utf-8"), reverse_sql="DROP VIEW reading.stranger;"
        ),
    ]
