"""Doors for what other systems say there is: see the SQL file."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__).resolve().parent.parent / "sql"
UNDO = """
DROP VIEW reading.known;
DROP VIEW reading.relation;
DROP VIEW reading.ci;
DROP SCHEMA cmdb CASCADE;
CREATE VIEW reading.ci AS
    SELECT ref, name, ci_class, attributes, impact, urgency, user_facing, lifeline,
           coalesce(inventory_host_id, '') AS host, source, managed_by, retired
    FROM public.cmdb_ci;
GRANT SELECT ON reading.ci TO ethops_app, ethops_executor, ethops_agent;
CREATE VIEW reading.relation AS
    SELECT dependent, support, kind, source, confidence, changed_at, seen_at, fresh_until, gone
    FROM public.cmdb_relation;
GRANT SELECT ON reading.relation TO ethops_app, ethops_executor, ethops_agent;
"""


class Migration(migrations.Migration):
    dependencies = [("cmdb", "0005_known"), ("audit", "0002_record")]

    operations = [
        migrations.RunSQL((HERE / "0006_known.sql").read_text(encoding="utf-8"), reverse_sql=UNDO)
    ]
