"""Views for agents, guards and grants: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_views_and_grants.sql"

UNDO = """
DROP TRIGGER only_grows ON public.telemetry_use;
DROP FUNCTION public.telemetry_use_grows;
DROP VIEW reading.key_use, reading.observer, reading.own_key;
"""


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0001_initial")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
