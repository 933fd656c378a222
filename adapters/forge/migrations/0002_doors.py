"""Doors, guards, views and grants: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_doors.sql"

UNDO = """
DROP VIEW reading.pull_review, reading.pull;
DROP SCHEMA forge CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("forge", "0001_initial"),
        # The doors ask who is a person, and what he may.
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
