"""The demo's small site as an operator would declare it, and what its keeper keeps."""

import json
import sys
from typing import Any

import yaml

from ethops.demo.places import DemoPorts, Places
from ethops.demo.service import WELL

LOOPBACK = "127.0.0.1"
SPOOL_LIMIT_BYTES = 8 * 1024 * 1024
CACHE_INSTANCE = "cache-01:11211"
DATABASE_INSTANCE = "db-01:5432"
BOLD: dict[str, Any] = {
    "rules": [
        {
            "id": "demo-bold",
            "question": "diagnose",
            "when": {"ci.ref": {"eq": "demo-db"}, "denied": {"lacks": "restart_service"}},
            "choose": "restart_service",
            "say": "A bold rule of this site alone asks for what no grant covers.",
            "confidence": 0.5,
        }
    ]
}
"""Our own rules leave a lifeline to people; the demo shows that nothing rests on their manners."""


def declaration(places: Places, ports: DemoPorts) -> dict[str, Any]:
    """Return the whole site file as data."""
    return {
        "hosts": [{"name": "localhost", "connection": "local"}],
        "cis": [_web(places, ports), _spool(places), _cache(places, ports), _database(places)],
        "join_rules": [
            {"name": "ci-label", "match": [{"label": "ci", "field": "ref"}]},
            {"name": "instance", "match": [{"label": "instance", "attribute": "instance"}]},
        ],
        "rules": places.rules.name,
        # Else the alert about the database would be a major incident, which people lead: no agent
        # would get as far as asking for what it may not do.
        "major": {"criteria": []},
        "notify": {"kind": "http", "url": f"http://{LOOPBACK}:{ports.inbox}/ops"},
    }


def services(places: Places, ports: DemoPorts) -> list[dict[str, Any]]:
    """Return what the keeper keeps: the two services and the inbox."""
    inbox = _python("sink", "--port", str(ports.inbox), "--box", str(places.box))
    commands = {
        "demo-web": _service("demo-web", ports.web),
        "demo-cache": _service("demo-cache", ports.cache),
        "inbox": inbox,
    }
    return [
        {"name": name, "command": command, "pidfile": str(places.pidfile(name))}
        for name, command in commands.items()
    ]


def write(places: Places, ports: DemoPorts) -> None:
    """Write both files."""
    text = yaml.safe_dump(declaration(places, ports), sort_keys=False, allow_unicode=True)
    places.site_file.write_text(f"# Written by each demo.\n{text}", encoding="utf-8")
    places.rules.write_text(yaml.safe_dump(BOLD, sort_keys=False), encoding="utf-8")
    places.declaration.write_text(json.dumps(services(places, ports)), encoding="utf-8")


def _web(places: Places, ports: DemoPorts) -> dict[str, Any]:
    return {
        "ref": "demo-web",
        "name": "Demo web service",
        "class": "demo_service",
        "host": "localhost",
        "impact": 1,
        "urgency": 1,
        "user_facing": True,
        "attributes": _restartable(places, "demo-web"),
        "probes": [
            {
                "kind": "http",
                "name": "demo-web-page",
                "url": f"http://{LOOPBACK}:{ports.web}/",
                "contains": WELL,
                "timeout_s": 1.5,
                "interval_s": 1.0,
                "bad_after": 2,
                "good_after": 2,
                "alertname": "PageNotWell",
                "severity": "critical",
            }
        ],
    }


def _spool(places: Places) -> dict[str, Any]:
    return {
        "ref": "demo-spool",
        "name": "Demo spool directory",
        "class": "demo_directory",
        "host": "localhost",
        "attributes": {
            "path": str(places.spool),
            "clean_pattern": "*.log",
            "clean_older_than_minutes": "60",
        },
        "probes": [
            {
                "kind": "directory",
                "name": "demo-spool-size",
                "path": str(places.spool),
                "max_bytes": SPOOL_LIMIT_BYTES,
                "interval_s": 1.0,
                "bad_after": 2,
                "good_after": 2,
                "alertname": "DirectoryTooFull",
                "severity": "warning",
            }
        ],
    }


def _cache(places: Places, ports: DemoPorts) -> dict[str, Any]:
    return {
        "ref": "demo-cache",
        "name": "Demo cache",
        "class": "cache",
        "host": "localhost",
        "user_facing": True,
        "attributes": {
            **_restartable(places, "demo-cache"),
            "instance": CACHE_INSTANCE,
            "port": str(ports.cache),
        },
    }


def _database(places: Places) -> dict[str, Any]:
    return {
        "ref": "demo-db",
        "name": "PostgreSQL of ethops itself",
        "class": "database",
        "host": "localhost",
        "impact": 1,
        "lifeline": True,
        "attributes": {
            "pidfile": str(places.database_pidfile),
            "command": "postgres",
            "instance": DATABASE_INSTANCE,
        },
    }


def _restartable(places: Places, name: str) -> dict[str, str]:
    # The module and the name tell this process from every other; the interpreter's path does not.
    return {
        "pidfile": str(places.pidfile(name)),
        "command": f"ethops.demo.service --name {name}",
    }


def _service(name: str, port: int) -> list[str]:
    return _python("service", "--name", name, "--port", str(port))


def _python(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", f"ethops.demo.{module}", *words]
