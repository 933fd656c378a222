"""Whoever approves a ticket as an approver of the desk gives his second factor."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0010_tickets.sql"


class Migration(migrations.Migration):
    """Reads the frozen file once."""

    dependencies = [("approvals", "0009_claimed")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
