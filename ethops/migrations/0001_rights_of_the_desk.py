"""What the run-time role may do with tables that came with Django and its packages."""

from django.db import migrations

READ = ("django_content_type", "auth_permission")
"""Written by migrations alone."""

WRITE = (
    "auth_user",
    "auth_group",
    "auth_group_permissions",
    "auth_user_groups",
    "auth_user_user_permissions",
    "authtoken_token",
    "django_admin_log",
    "django_session",
    "django_celery_beat_clockedschedule",
    "django_celery_beat_crontabschedule",
    "django_celery_beat_intervalschedule",
    "django_celery_beat_periodictask",
    "django_celery_beat_periodictasks",
    "django_celery_beat_solarschedule",
)
"""Logins, sessions and schedules: people change them on the desk, beat keeps its times."""

GRANTS = f"""
GRANT SELECT ON {", ".join(READ)} TO ethops_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON {", ".join(WRITE)} TO ethops_app;
"""
REVOKES = f"REVOKE ALL ON {', '.join(READ + WRITE)} FROM ethops_app;"


class Migration(migrations.Migration):
    """The agent, executor and audit writer get nothing here."""

    initial = True
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("authtoken", "0004_alter_tokenproxy_options"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("sessions", "0001_initial"),
    ]
    operations = [migrations.RunSQL(GRANTS, reverse_sql=REVOKES)]
