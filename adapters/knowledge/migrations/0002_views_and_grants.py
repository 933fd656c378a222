"""Words, views and grants: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_views_and_grants.sql"

UNDO = """
DROP VIEW reading.knowledge_fault, reading.knowledge_model, reading.knowledge_vector,
    reading.knowledge_passage, reading.knowledge_document, reading.knowledge_index;
DROP TRIGGER fits ON public.knowledge_vector;
DROP FUNCTION public.knowledge_vector_fits();
ALTER TABLE public.knowledge_chunk DROP COLUMN words;
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
