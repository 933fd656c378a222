"""Events, requests and findings with the runtime's queue, retries and places."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0004_runtime.sql"


class Migration(migrations.Migration):
    """The throttle says nothing of places: those are the environments'."""

    dependencies = [("agentops", "0003_reach"), ("personas", "0015_runtime")]
    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
        migrations.RemoveField(model_name="throttle", name="at_once"),
    ]
