"""One look at an iTop in a process of its own, which says what it cost: a line of JSON.

python -m tests.bench.mirror_child SERVERS DATABASE URL cis|cis_whole|tickets
"""

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django
from django.conf import settings
from django.db import connection, connections

from adapters import registry
from adapters.cmdb.itop import mirror
from adapters.tickets.itop.names import lived_twice
from adapters.tickets.itop.session import session
from tests.doubles.itop.server import TOKEN
from tests.servers import Servers

_STATUS = Path("/proc/self/status")


def cis(*, whole: bool = False) -> int:
    """Bring the copy of the CMDB up to date; returns how many things were changed."""
    here = session()
    twice = partial(lived_twice, zone=here.names.zone())
    return sum(one.changed for one in mirror.sync(here.client, twice, whole=whole))


def main() -> int:
    """Look once."""
    django.setup()

    from tests.conftest import point_django
    from tests.doubles.itop.house import ADAPTER

    servers, database, url, what = sys.argv[1:]
    point_django(Servers.joined(servers), database, "ethops_app")
    settings.ADAPTERS = {
        **settings.ADAPTERS,
        "tickets": {"adapter": ADAPTER, "url": url, "token": TOKEN},
    }
    looks: dict[str, Callable[[], object]] = {
        "cis": cis,
        "cis_whole": lambda: cis(whole=True),
        "tickets": lambda: registry.follower().look().changed,
    }
    connection.ensure_connection()
    statements: Counter[str] = Counter()

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        statements[str(sql)[:60]] += 1
        return execute(sql, params, many, context)

    before = memory("VmRSS")
    began = time.monotonic()
    with connection.execute_wrapper(count):
        changed = looks[what]()
    took = time.monotonic() - began
    connections.close_all()
    said = {
        "changed": changed,
        "seconds": took,
        "statements": sum(statements.values()),
        "peak_mib": memory("VmHWM"),
        "grew_mib": memory("VmHWM") - before,
    }
    sys.stdout.write(json.dumps(said) + "\n")
    return 0


def memory(what: str) -> float:
    """Return resident memory, now or at its highest, in MiB."""
    found = re.search(rf"{what}:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    raise SystemExit(main())
