"""How far another system's history was read has a row of its own: see the SQL file."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "0015_historymark.sql"
UNDO = """
INSERT INTO public.cmdb_synced (source, their_class, state, whole_at, checked_at, said)
SELECT source, 'CMDBChangeOp', 'well', new_at, looked_at,
       to_char(date AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' ' || number
  FROM public.cmdb_historymark
ON CONFLICT (source, their_class) DO NOTHING;
DROP FUNCTION cmdb.marked(text, timestamptz, bigint, timestamptz, timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0014_lookups")]

    operations = [
        migrations.CreateModel(
            name="HistoryMark",
            fields=[
                (
                    "source",
                    models.CharField(max_length=16, primary_key=True, serialize=False),
                ),
                (
                    "date",
                    models.DateTimeField(
                        help_text="the newest in it, by the clock there, as if it were UTC"
                    ),
                ),
                ("number", models.BigIntegerField(help_text="the highest in it")),
                (
                    "new_at",
                    models.DateTimeField(help_text="since then nothing newer was seen"),
                ),
                ("looked_at", models.DateTimeField(help_text="last read")),
            ],
            options={"verbose_name": "history mark"},
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO),
    ]
