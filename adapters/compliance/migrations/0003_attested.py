"""A person's word, which only the owner's functions keep: see the SQL file of the same name."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0003_attested.sql"

UNDO = """
DROP FUNCTION public.compliance_attested(text, text, boolean, text, timestamptz, jsonb);
DROP TRIGGER a_persons_word ON public.compliance_observation;
DROP FUNCTION public.compliance_is_a_persons_word();
"""


class Migration(migrations.Migration):
    dependencies = [("compliance", "0002_views_and_grants")]

    operations = [
        migrations.AlterModelOptions(
            name="observation",
            options={
                "permissions": [("attest", "Can say what is so of a safeguard")],
                "verbose_name": "observation of a safeguard",
                "verbose_name_plural": "observations of safeguards",
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=UNDO),
    ]
