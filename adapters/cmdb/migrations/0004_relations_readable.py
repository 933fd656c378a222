"""The view of relations: see the SQL file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0004_relations.sql"


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0003_relation")]

    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql="DROP VIEW reading.relation")
    ]
