"""Whose word counts, and the CIs that follow from what is claimed: see the SQL files."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__).resolve().parent.parent / "sql"
UNDO = """
DROP VIEW reading.claim;
DROP FUNCTION cmdb.say(text, jsonb, text[]);
DROP FUNCTION cmdb.resolve(text[]);
DELETE FROM public.cmdb_claim;
DELETE FROM public.cmdb_precedence;
"""


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0009_claim")]

    operations = [
        migrations.RunSQL(
            (HERE / "0010_precedence.sql").read_text(encoding="utf-8"),
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.RunSQL((HERE / "0010_claims.sql").read_text(encoding="utf-8"), reverse_sql=UNDO),
    ]
