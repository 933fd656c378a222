"""Make the database ready: its roles on an outside server, its schema and first rows on any."""

import json
from argparse import ArgumentParser
from typing import Any

import psycopg
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg.conninfo import conninfo_to_dict

from ethops import env
from ethops.management.quiet import QuietCommand
from ethops.secretfile import make_secrets
from ethops.stack import roles
from ethops.stack.errors import StackError


class Command(QuietCommand):
    """`manage.py db bootstrap` and `manage.py db prepare`."""

    help = "Roles and extension on an outside PostgreSQL; schema, first login and site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Subcommands and their options."""
        parts = parser.add_subparsers(dest="part", required=True)
        bootstrap = parts.add_parser(
            "bootstrap", help="make roles, database and extension; needs a superuser"
        )
        how = bootstrap.add_mutually_exclusive_group()
        how.add_argument("--print", action="store_true", help="print the SQL (the default)")
        how.add_argument("--apply", action="store_true", help="run it")
        bootstrap.add_argument("--superuser-url", default="", help="who runs it, for --apply")
        prepare = parts.add_parser(
            "prepare", help="as owner: check, migrate, make the first login, load the site"
        )
        prepare.add_argument("--json", action="store_true", help="print what was done")

    def handle(self, *, part: str, **options: Any) -> None:
        """Run one of the two."""
        if part == "prepare":
            self._prepare(as_json=options["json"])
        else:
            self._bootstrap(apply=options["apply"], superuser_url=options["superuser_url"])

    def _bootstrap(self, *, apply: bool, superuser_url: str) -> None:
        said = env.load()
        database = str(conninfo_to_dict(said.database_url).get("dbname") or "ethops")
        passwords = make_secrets(said.state).role_passwords
        if not apply:
            self.stdout.write(roles.script(database, passwords))
            return
        if not superuser_url:
            raise CommandError(
                "--apply needs --superuser-url postgresql://USER:PASSWORD@HOST/postgres"
            )
        try:
            roles.bootstrap(superuser_url, database, passwords)
        except StackError as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        except psycopg.Error as fault:
            raise CommandError(
                f"the server refused: {fault}\nIt takes a superuser, and pgvector installed."
            ) from fault
        self.stdout.write(
            f"{len(roles.ROLES)} roles, database {database} and the vector extension are there.\n"
            f"Their passwords are in {said.state / 'secrets.json'}.\n"
            f"Next: DATABASE_URL=postgresql://HOST:PORT/{database} make up"
        )

    def _prepare(self, *, as_json: bool) -> None:
        before = _count_unapplied()
        call_command("migrate", interactive=False, verbosity=0)
        made = _make_admin()
        call_command("site", "load", verbosity=0)
        if as_json:
            self.stdout.write(json.dumps({"applied": before, "admin_made": made}))
            return
        self.stdout.write(f"{before} migrations were applied, and the site is loaded.")
        if made:
            kept = env.load().state / "secrets.json"
            self.stdout.write(f"Log in to the desk as admin, with admin_password of {kept}.")


def _count_unapplied() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _make_admin() -> bool:
    people = get_user_model().objects
    if people.filter(is_superuser=True).exists():
        return False
    password = make_secrets(env.load().state).admin_password
    people.create_superuser(username="admin", email="", password=password)
    return True
