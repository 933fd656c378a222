"""What a person says of a CI at the desk: see the SQL file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0011_desk.sql"
UNDO = """
DROP FUNCTION cmdb.say_at_desk(text, jsonb);
DROP FUNCTION cmdb.restate(text);
DROP FUNCTION cmdb.bad_words(text, jsonb);
DROP FUNCTION cmdb.names_of(text);
DROP FUNCTION cmdb.called(text);
DROP FUNCTION cmdb.words_digest(text);
"""


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0010_claims")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO)]
