"""Blast radius of 10,000 CIs, 50,000 edges, beside plain SQL: `python -m tests.bench.graph`.

A Neo4j answers the same: the one that NEO4J_URI names, else one of our own, where there is one.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import django
import psycopg

from tests.bench.figures import Figure, percentile

if TYPE_CHECKING:
    from adapters.graph.copying import Copier
    from adapters.graph.server import Server

PLACES: Final = 10_000
EDGES: Final = 50_000
ASKED: Final = 100
WARM: Final = 3
TARGET: Final = "50 ms"
TARGETED: Final = ("embedded", "Neo4j")
COPY_TARGET: Final = "2 s of CPU"

PLAIN: Final = """
    WITH RECURSIVE walk (place, steps) AS (
        SELECT %s::text, 0
        UNION
        SELECT edge.dependent::text, walk.steps + 1
        FROM walk JOIN public.cmdb_relation edge ON edge.support = walk.place
        WHERE NOT edge.gone AND walk.steps < 32
    )
    SELECT place, min(steps) FROM walk GROUP BY place
"""
"""What one writes first: it finds a place again at every distance at which it lies."""


def relations(seed: int = 1) -> list[tuple[str, str]]:
    """Return edges without a circle: each CI stands on some that come before it."""
    dice = random.Random(seed)  # noqa: S311 - edges that can be repeated
    found: set[tuple[str, str]] = set()
    while len(found) < EDGES:
        upper = dice.randrange(1, PLACES)
        found.add((f"ci{upper:05}", f"ci{dice.randrange(upper):05}"))
    return sorted(found)


def measured() -> list[Figure]:
    """Ask about CIs drawn by lot, both ways, in turn."""
    from tests.conftest import TEMPLATE, _make_template, point_django
    from tests.servers import Servers

    servers = Servers.started()
    try:
        _make_template(servers)
        with psycopg.connect(servers.dsn("ethops_owner", TEMPLATE), autocommit=True) as link:
            _fill(link)
            point_django(servers, TEMPLATE, "ethops_agent")
            return _figures(link)
    finally:
        servers.stop()


def _fill(link: psycopg.Connection) -> None:
    with (
        link.cursor() as cursor,
        cursor.copy("COPY cmdb_relation (dependent, support, kind, source) FROM STDIN") as copy,
    ):
        for dependent, support in relations():
            copy.write_row((dependent, support, "depends_on", "bench"))
    link.execute("ANALYZE cmdb_relation")


def _figures(link: psycopg.Connection) -> list[Figure]:
    from adapters.graph import embedded, neo4j
    from adapters.graph.copying import Copier

    dice = random.Random(2)  # noqa: S311 - the same CIs each time
    refs = [f"ci{dice.randrange(PLACES):05}" for _ in range(ASKED)]
    ways: dict[str, Callable[[str], object]] = {
        "embedded": embedded.Reader().blast_radius,
        "a plain recursion, not cut": partial(_plainly, link),
    }
    copied: list[Figure] = []
    with _cypher() as server:
        if server is not None:
            copied = _copied(Copier(server), link)
            ways["Neo4j"] = neo4j.Reader(server).blast_radius
        # A server plans anew once, when it has seen how much there is; a JVM compiles what it is
        # asked for often, and does so beside its answers. Both have been up for a while elsewhere.
        new = [_milliseconds(partial(ways["Neo4j"], ref)) for ref in refs if "Neo4j" in ways]
        for ref in refs * WARM:
            _all({name: ask for name, ask in ways.items() if name in TARGETED}, ref)
        took = [_all(ways, ref) for ref in refs]
        if server is not None:
            Copier(server).forget()
    return [
        Figure(
            f"blast radius p95, {PLACES:,} CIs, {EDGES:,} edges: {name}",
            f"{percentile([each[name] for each in took], 0.95):.1f} ms",
            TARGET if name in TARGETED else "",
        )
        for name in ways
    ] + [
        *(
            Figure("the same, Neo4j, of its first 100 answers", f"{percentile(new, 0.95):.1f} ms")
            for _ in new[:1]
        ),
        *copied,
    ]


def _copied(copier: "Copier", link: psycopg.Connection) -> list[Figure]:
    """Copy all, then nothing, then little: how long, and what of it is our own work."""

    def figure(what: str, target: str = "") -> Figure:
        began, worked = time.perf_counter(), time.process_time()
        differed = copier.keep()
        took, work = time.perf_counter() - began, time.process_time() - worked
        return Figure(
            f"copy of {PLACES:,} CIs, {EDGES:,} edges to Neo4j: {what}",
            f"{took:.2f} s, {work:.2f} s of it our CPU; {differed:,} places written",
            target,
        )

    first = figure("the first")
    copier.keep()
    nothing = figure("nothing differs", COPY_TARGET)
    link.execute(
        "UPDATE cmdb_relation SET confidence = 50 WHERE id IN"
        " (SELECT id FROM cmdb_relation ORDER BY id LIMIT 100)"
    )
    return [first, nothing, figure("100 edges differ")]


@contextmanager
def _cypher() -> "Iterator[Server | None]":
    from adapters.graph.server import Server
    from tests.live.cypher import start
    from tests.live.parts import NEO4J, default_cache

    if uri := os.environ.get("NEO4J_URI"):
        secret = os.environ.get("NEO4J_PASSWORD_FILE", "")
        user = os.environ.get("NEO4J_USER", "")
        yield Server(uri, user, secret, site="ethops-bench")
    elif NEO4J.is_there(default_cache()):
        with tempfile.TemporaryDirectory() as folder:
            cypher = start(NEO4J.place(default_cache()).parent, Path(folder))
            try:
                yield Server(cypher.uri, site="ethops-bench")
            finally:
                cypher.stop()
    else:
        yield None


def _all(ways: dict[str, Callable[[str], object]], ref: str) -> dict[str, float]:
    return {name: _milliseconds(partial(ask, ref)) for name, ask in ways.items()}


def _plainly(link: psycopg.Connection, ref: str) -> None:
    link.execute(PLAIN, [ref]).fetchall()


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for figure in measured():
        sys.stdout.write(f"{figure.what}: {figure.found} {figure.target}\n")
