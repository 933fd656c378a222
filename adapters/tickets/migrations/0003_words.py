"""A line may lose words, and nothing else may happen to it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0003_words.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("tickets", "0002_views_and_grants")]
    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), reverse_sql=migrations.RunSQL.noop)
    ]
