"""A person decides about what discovery proposes: see the SQL file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0012_proposals.sql"
UNDO = """
DROP FUNCTION gate.accept_proposal(text, bigint, text, text, text);
DROP FUNCTION gate.decline_proposal(text, bigint, text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0011_cis"), ("cmdb", "0013_proposals")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
