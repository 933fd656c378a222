"""Functions of the queue."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0002_queue"


class Migration(migrations.Migration):
    """Reads the frozen files once, in their order."""

    dependencies = [("gpu", "0001_initial"), ("audit", "0004_relay")]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
