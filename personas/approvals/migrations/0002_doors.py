"""The doors through which people decide, what stays as it was, and what runs have read."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0002_doors"


class Migration(migrations.Migration):
    """Reads the frozen files once, in their order."""

    dependencies = [
        ("approvals", "0001_initial"),
        ("audit", "0008_values"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("cmdb", "0002_views_and_grants"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("personas", "0012_proposed"),
        ("tickets", "0002_views_and_grants"),
    ]
    operations = [
        migrations.RunSQL(file.read_text(encoding="utf-8"), migrations.RunSQL.noop)
        for file in sorted(SQL.glob("*.sql"))
    ]
