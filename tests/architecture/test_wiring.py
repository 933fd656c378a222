"""Names that must agree between rooms that do not import each other."""

import re

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from ethops.celery import app
from ethops.env import CLONE, ROLE_OF_PROCESS
from ethops.routing import QUEUES
from ethops.stack.roles import ROLES

HOUSE = CLONE / "ethops"


def test_every_queue_has_its_task_and_every_task_its_queue() -> None:
    app.loader.import_default_modules()
    registered = {name for name in app.tasks if not name.startswith("celery.")}
    assert set(QUEUES.values()) <= registered
    assert {queue.name for queue in app.conf.task_queues} == set(QUEUES)


def test_no_queue_hears_the_messages_of_another() -> None:
    keys = [(queue.exchange.name, queue.routing_key) for queue in app.conf.task_queues]
    assert len(set(keys)) == len(QUEUES)


def test_every_process_connects_as_a_role_that_bootstrap_makes() -> None:
    used = {role for role in ROLE_OF_PROCESS.values() if role}
    assert used <= {role.name for role in ROLES}


def test_only_json_is_accepted_and_no_result_kept() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_ignore_result
    assert app.conf.result_backend is None


def test_our_templates_take_the_place_of_the_admins() -> None:
    apps = settings.INSTALLED_APPS
    assert apps.index("ethops") < apps.index("django.contrib.admin")


def test_every_variable_is_documented_and_every_documented_one_exists() -> None:
    name = re.compile(r"\b(?:ETHOPS_[A-Z_]+[A-Z]|NEO4J_[A-Z_]+[A-Z]|DATABASE_URL|REDIS_URL)\b")
    readers = [(HOUSE / file).read_text(encoding="utf-8") for file in ("env.py", "peers.py")]
    read = set(name.findall("\n".join(readers)))
    told = set(name.findall((CLONE / "docs/reference/settings.md").read_text(encoding="utf-8")))
    assert read == told


@pytest.mark.django_db
def test_no_later_migration_forgets_what_levels_and_effects_go_by() -> None:
    """Rooms replace functions of the gate; whoever does keeps what others put there."""
    for name, kept in (
        ("level_of", "confidence_ceiling"),
        ("level_of", "guardrail_ceiling"),
        ("level_given", "touches_ci"),
        ("confidence_ceiling", "touches_ci"),
        ("guard_grant", "touches_ci"),
        ("guard_scope", "touches_ci"),
        ("asked", "touches_ci"),
        ("weighed", "risk_of"),
        ("needs_approval", "risk_of"),
        ("asked", "risk_of"),
        ("propose", "known).risk"),
        ("pins", "bounds_of"),
        ("guard_duplicate", "would_only_look"),
        ("guard_ticket_ceiling", "would_only_look"),
        ("count_now", "only_looks"),
        ("count_now", "fleet_changes"),
        ("take_turn", "would_only_look"),
        ("guard_fleet_ceiling", "would_only_look"),
        ("guard_hour_share", "would_only_look"),
        ("anomalies", "only_looks"),
        ("mind_breaker", "only_looks"),
        ("held_back", "breaker_open"),
    ):
        with connection.cursor() as cursor:
            cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [name])
            assert kept in str(cursor.fetchone()), f"gate.{name} no longer asks gate.{kept}"


@pytest.mark.django_db
def test_every_migration_is_written() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
