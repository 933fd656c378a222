"""A person attests a safeguard with his second factor: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0013_attested.sql"
UNDO = """
DROP FUNCTION gate.attest(text, text, text, boolean, text, text, date, text);
DROP FUNCTION gate.unfit_word(text, text, text, text, date);
DROP FUNCTION gate.may_attest(text);
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0012_proposals"), ("compliance", "0003_attested")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
