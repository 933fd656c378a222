"""Views, grants and what nobody changes: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_views_and_grants.sql"

UNDO = """
DROP VIEW reading.exemption, reading.observation;
DROP TRIGGER only_added ON public.compliance_exemption;
DROP TRIGGER only_added ON public.compliance_observation;
DROP FUNCTION public.compliance_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
