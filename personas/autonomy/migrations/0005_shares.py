"""An hour's bound is shared out among CIs, and some of it is kept for those that matter most."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0005_shares.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("autonomy", "0004_held"), ("personas", "0016_holders")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
