"""A person says at the desk what is so of a CI, with his second factor: see the SQL file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0011_cis.sql"
UNDO = """
DROP FUNCTION gate.declare_ci(text, text, jsonb, text, text, text);
DROP FUNCTION gate.may_declare(text);
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0010_tickets"), ("cmdb", "0011_desk")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
