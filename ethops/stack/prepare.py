"""Whether the database is ready for this code, and the one process that makes it so."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from ethops.env import CLONE
from ethops.stack.errors import PreparationError

CODE = ("ethops", "personas", "gpu", "adapters", "audit", "playbooks")
LONGEST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the owner's process did."""

    applied: int
    """Migrations applied by it."""
    admin_made: bool
    """True only when this start made the first login."""


def fingerprint(site: Path, cards: str = "") -> str:
    """Changes whenever code, migrations, the GPU's cards or a declared file may have changed."""
    digest = hashlib.sha256(f"{sys.version}\0{cards}".encode())
    for path in _sources():
        facts = path.stat()
        digest.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    for path in _declared(site):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current(dsn: str, mark: str) -> bool:
    """True if this database was prepared by code and files with this fingerprint."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as link:
        row = link.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
            "WHERE datname = current_database()"
        ).fetchone()
    return row is not None and row[0] == _comment(mark)


def set_current(dsn: str, mark: str) -> None:
    """Note on the database what prepared it; only its owner can."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as link:
        link.execute(
            sql.SQL("COMMENT ON DATABASE {name} IS {text}").format(
                name=sql.Identifier(link.info.dbname), text=sql.Literal(_comment(mark))
            )
        )


def prepare(environment: Mapping[str, str], log: Path) -> Prepared:
    """Check, migrate, make the first login and load the declared site, in one process.

    Raises:
        PreparationError: with everything that was refused.
    """
    done = subprocess.run(
        [sys.executable, str(CLONE / "manage.py"), "db", "prepare", "--json"],
        env=dict(environment),
        cwd=CLONE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    with log.open("a", encoding="utf-8") as stream:
        stream.write(done.stderr)
    if done.returncode != 0:
        raise PreparationError(
            "the database could not be prepared:\n" + _telling(done.stderr or done.stdout),
            hint="Mend what is named above and start again.",
            log=log,
        )
    return Prepared(**json.loads(done.stdout.splitlines()[-1]))


def _telling(text: str) -> str:
    kept = [line for line in text.splitlines() if line.strip()]
    start = next((i for i, line in enumerate(kept) if "ERRORS:" in line), None)
    return "\n".join(kept[start + 1 :] if start is not None else kept[-6:])


def _comment(mark: str) -> str:
    return f"prepared by ethops {mark}"


def _sources() -> Iterable[Path]:
    for room in CODE:
        for path in sorted((CLONE / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _declared(site: Path) -> Iterable[Path]:
    if site.is_dir():
        yield from sorted(path for path in site.rglob("*.y*ml") if path.is_file())
    elif site.with_name("ledger.yaml").exists() and not site.exists():
        yield site.with_name("ledger.yaml")
    elif site.exists():
        yield site
        # A site may keep its rules and inventories beside its own file.
        yield from sorted(path for path in site.parent.glob("*.y*ml") if path != site)
