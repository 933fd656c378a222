"""Entries are found by the persona, the run, the CI, the kind and the time that they name."""

from pathlib import Path

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

from audit.fields import CisOf, PersonaOf, RunOf

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("audit", "0005_witness")]
    operations = [
        migrations.RunSQL(
            (SQL / "0006_names.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop
        ),
        migrations.AddIndex("entry", models.Index("kind", "seq", name="entry_kind")),
        migrations.AddIndex("entry", models.Index("at", name="entry_at")),
        migrations.AddIndex("entry", models.Index(PersonaOf("body"), "seq", name="entry_persona")),
        migrations.AddIndex("entry", models.Index(RunOf("body"), "seq", name="entry_run")),
        migrations.AddIndex("entry", GinIndex(CisOf("body"), name="entry_cis", fastupdate=False)),
    ]
