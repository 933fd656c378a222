"""How long lists take where there are many tickets: `python -m tests.bench.lists [--tickets N]`.

Every list of the desk, the portal and the API, in the web process's own code on a database that was
filled with tickets, their worklogs, clocks, events, notices, runs, actions and entries. Each is
asked for in turns, so that what the machine does meanwhile falls on all of them. Exit status 1
where one is above the bar.
"""

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django
import psycopg

from tests.bench.figures import percentile
from tests.crowd import REQUESTER, fill
from tests.servers import Servers

DATABASE: Final = "ethops_lists"
BAR_MS: Final = 300.0


@dataclass
class Asked:
    """One list: what each look at it took, how many queries it put, how large it was."""

    path: str
    milliseconds: list[float] = field(default_factory=list)
    queries: int = 0
    slowest_ms: float = 0.0
    """The slowest of its queries, where they were looked at."""
    slowest: str = ""

    @property
    def p95(self) -> float:
        """The figure that the bar is held against."""
        return percentile(self.milliseconds, 0.95)


def main() -> int:
    """Fill, ask, and say what was found, the slowest last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--only", default="", help="lists with this in their address")
    parser.add_argument("--tell", type=int, default=0, help="show the slowest query of so many")
    said = parser.parse_args()
    django.setup()
    with filled(said.tickets):
        found = measure(said.tickets, said.turns, said.only)
    for one in sorted(found, key=lambda one: one.p95):
        middle = percentile(one.milliseconds, 0.5)
        sys.stdout.write(f"p50 {middle:6.0f}  p95 {one.p95:6.0f} ms  {one.queries:3} queries"
                         f"  {one.path}\n")  # fmt: skip
    for one in sorted(found, key=lambda one: -one.p95)[: said.tell]:
        sys.stdout.write(f"\n{one.path}: {one.slowest_ms:.0f} ms\n{one.slowest}\n")
    above = [one for one in found if one.p95 > BAR_MS]
    sys.stdout.write(
        f"{len(found)} lists at {said.tickets} tickets: worst p95"
        f" {max(one.p95 for one in found):.0f} ms, {len(above)} above {BAR_MS:.0f} ms\n"
    )
    return int(bool(above))


@contextmanager
def filled(tickets: int) -> Iterator[None]:
    """A migrated database with so many tickets, met as the web process meets it."""
    from django.db import connections

    from tests.conftest import TEMPLATE, _make_template, point_django

    servers = Servers.started()
    try:
        _make_template(servers)
        servers.clone(TEMPLATE, DATABASE)
        began = time.monotonic()
        with psycopg.connect(servers.superuser_dsn(DATABASE), autocommit=True) as link:
            fill(link, first=1, last=tickets)
            # A recorder would have taken them away.
            link.execute("DELETE FROM public.audit_pending")
            link.execute("VACUUM ANALYZE")
        sys.stdout.write(f"filled in {time.monotonic() - began:.0f} s\n")
        point_django(servers, DATABASE, "ethops_app")
        yield
        connections.close_all()
    finally:
        servers.stop()


def measure(tickets: int, turns: int, only: str) -> list[Asked]:
    """Ask for each list, so many times."""
    from django.contrib.auth.models import User
    from django.test import Client

    from tests import lists

    otto = User.objects.create_superuser("otto")
    rhea = User.objects.create_user(REQUESTER)
    desk, portal = (Client(HTTP_HOST="localhost") for _ in range(2))
    desk.force_login(otto)
    portal.force_login(rhea)
    ways = [(desk, path) for path in (*lists.desk(tickets), *lists.api(tickets))]
    ways += [(portal, path) for path in lists.PORTAL]
    ways = [(who, path) for who, path in ways if only in path]
    found = {path: Asked(path) for _, path in ways}
    for who, path in ways:
        _look(partial(who.get, path), found[path])
    # As ethops/asgi.py does once all is loaded.
    gc.collect()
    gc.freeze()
    for _ in range(turns):
        for who, path in ways:
            began = time.perf_counter()
            who.get(path).content  # noqa: B018 - drawn when it is read
            found[path].milliseconds.append(1000 * (time.perf_counter() - began))
    return list(found.values())


def _look(get: Callable[[], Any], at: Asked) -> None:
    """Ask once, caches cold, and count its queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        answer = get()
    if answer.status_code != 200:
        raise RuntimeError(f"{at.path} answers {answer.status_code}")
    at.queries = len(seen)
    worst = max(seen.captured_queries, key=lambda one: float(one["time"]), default=None)
    if worst is not None:
        at.slowest_ms, at.slowest = 1000 * float(worst["time"]), worst["sql"][:600]


if __name__ == "__main__":
    raise SystemExit(main())
