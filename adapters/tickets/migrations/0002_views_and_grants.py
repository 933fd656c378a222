"""Views for agents, guards and grants: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_views_and_grants.sql"

UNDO = """
DROP VIEW reading.worklog, reading.ticket, reading.ticket_ci;
DROP FUNCTION public.tickets_refuse_change() CASCADE;
DROP SEQUENCE public.tickets_incident_ref, public.tickets_change_ref;
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
