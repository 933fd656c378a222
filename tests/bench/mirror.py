"""What copying an iTop costs, and looking again where little has changed.

`python -m tests.bench.mirror`

A fake iTop in this process; each look in a process of its own on a database of its own size, so
that memory is that look's. Exit status 1 where a bar is missed.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django
import psutil
import psycopg

from adapters.cmdb.itop.kinds import KINDS, LINKS
from adapters.tickets.itop.names import FORMAT
from ethops.env import CLONE
from tests.bench.figures import Figure
from tests.doubles.itop.inventory import Inventory
from tests.servers import Servers
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.doubles.itop.house import House

SIZES: Final = (1_000, 10_000, 30_000)
CHANGED: Final = (0, 10, 100)
TICKETS: Final = 1_000
FLAT_MIB: Final = 8.0
"""So much more may a look at three times as many take at its height."""
ROWS: Final = """
    SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables
"""
OTHERS: Final = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend'
       AND pid <> pg_backend_pid()
"""


@dataclass
class Timed(Inventory):
    """The fake, with what it has given and how long it took itself."""

    seconds: float = 0.0
    given: list[tuple[str, str, int]] = field(default_factory=list)
    """(class, fields, objects) of each call."""

    @override
    def _classes(self) -> set[str]:
        return super()._classes() | {of.itop_class for of in (*KINDS, *LINKS)}

    @override
    def answer(self, said: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        found = super().answer(said)
        self.seconds += time.perf_counter() - began
        fields = str(said.get("output_fields", ""))
        self.given.append((said["class"], fields, len(found["objects"] or ())))
        return found


@dataclass(frozen=True, slots=True)
class Cost:
    """What one look cost."""

    changed: int
    seconds: float
    itop_seconds: float
    calls: list[tuple[str, str, int]]
    bytes: int
    statements: int
    rows: int
    peak_mib: float
    grew_mib: float

    def said(self) -> str:
        """Return it in a line."""
        return (
            f"{self.seconds:.2f} s (of which the fake {self.itop_seconds:.2f}),"
            f" {len(self.calls)} calls, {self.bytes / 1024:,.0f} KiB,"
            f" {self.statements} statements, {self.rows:,} rows written,"
            f" peak {self.peak_mib:.0f} MiB (+{self.grew_mib:.1f})"
        )


class Site:
    """The servers, one database, and the fake that is copied into it."""

    def __init__(self, servers: Servers, database: str, house: "House", itop: Timed) -> None:
        self.servers, self.database, self.house, self.itop = servers, database, house, itop

    def look(self, what: str) -> Cost:
        """Have a process of its own look."""
        self.itop.given.clear()
        self.itop.seconds, self.itop.sent = 0.0, 0
        before = self._rows()
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.mirror_child", self.servers.describe(),
             self.database, self.itop.address, what],
            cwd=CLONE, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stderr)
        said = json.loads(done.stdout.splitlines()[-1])
        return Cost(
            changed=said["changed"],
            seconds=said["seconds"],
            itop_seconds=self.itop.seconds,
            calls=list(self.itop.given),
            bytes=self.itop.sent,
            statements=said["statements"],
            rows=self._rows() - before,
            peak_mib=said["peak_mib"],
            grew_mib=said["grew_mib"],
        )

    def _rows(self) -> int:
        with psycopg.connect(self.servers.superuser_dsn(self.database), autocommit=True) as link:
            # What a session wrote is reckoned before it is gone.
            eventually(
                lambda: link.execute(OTHERS).fetchone() == (0,),
                told="a session goes on",
                every=0.05,
            )
            row = link.execute(ROWS).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def site(servers: Servers, database: str) -> Iterator[Site]:
    """A database as migrated, and an iTop with nothing but people."""
    from tests.conftest import TEMPLATE
    from tests.doubles.itop.house import housed

    servers.clone(TEMPLATE, database)
    itop = Timed()
    with housed(itop) as house:
        yield Site(servers, database, house, itop)
    servers.drop(database)


def fill(itop: Timed, cis: int) -> list[int]:
    """Put CIs there: of ten a server, two hypervisors, six machines and an application."""
    made: list[int] = []
    server = host = 0
    for n in range(cis):
        turn = n % 10
        if turn == 0:
            server = itop.add("Server", name=f"srv-{n:05}", managementip=f"10.0.{n % 256}.1")
            made.append(server)
        elif turn in (1, 2):
            host = itop.add("Hypervisor", name=f"hv-{n:05}", server_id=server, farm_id=0)
            made.append(host)
        elif turn < 9:
            made.append(itop.add("VirtualMachine", name=f"vm-{n:05}", virtualhost_id=host))
        else:
            made.append(itop.add("ApplicationSolution", name=f"app-{n:05}", status="active"))
            itop.add("lnkApplicationSolutionToFunctionalCI",
                     applicationsolution_id=made[-1], functionalci_id=made[-2])  # fmt: skip
    return made


def of_cis(servers: Servers) -> tuple[list[Figure], bool]:
    """Copy each size whole; of 10,000, then look again with few changes."""
    figures: list[Figure] = []
    peaks: dict[int, float] = {}
    fine = True
    for size in SIZES:
        with site(servers, f"bench_mirror_{size}") as one:
            made = fill(one.itop, size)
            first = one.look("cis")
            again = one.look("cis_whole")
            peaks[size] = first.grew_mib
            pages = {name: 0 for name, _, _ in first.calls}
            for name, fields, objects in first.calls:
                pages[name] += 1
                fine &= "*" not in fields and objects <= 1000
            most = sum(-(-_count(one.itop, name) // 1000) or 1 for name in pages)
            fine &= len(first.calls) <= most
            figures += [
                Figure(f"{size:,} CIs, the first look", first.said(), f"{most} calls"),
                Figure("... read whole once more, nothing changed", again.said()),
            ]
            if size == 10_000:
                for count in CHANGED:
                    for number in made[:count]:
                        one.itop.change(number, name=f"renamed-{number}-{count}")
                    cost = one.look("cis")
                    fine &= cost.changed == count
                    figures.append(Figure(f"... {count} of them changed", cost.said()))
                    one.itop.history.clear()
    grown = peaks[SIZES[-1]] - peaks[SIZES[1]]
    fine &= grown <= FLAT_MIB
    said = f"{grown:+.1f} MiB"
    figures.append(Figure(f"peak of {SIZES[-1]:,} to that of {SIZES[1]:,}", said,
                          f"{FLAT_MIB:.0f} MiB"))  # fmt: skip
    return figures, fine


def _count(itop: Timed, itop_class: str) -> int:
    return sum(one["finalclass"] == itop_class for one in itop.objects.values())


def of_tickets(servers: Servers) -> tuple[list[Figure], bool]:
    """Take in tickets, then look again with few changes."""
    figures: list[Figure] = []
    with site(servers, "bench_mirror_tickets") as one:
        now = datetime.now(UTC)
        made = []
        for n in range(TICKETS):
            one.itop.at = (now - timedelta(minutes=TICKETS + 5 - n)).strftime(FORMAT)
            made.append(one.itop.add("Incident", title=f"Printer {n} jams", description="d"))
        first = one.look("tickets")
        figures.append(Figure(f"{TICKETS:,} tickets, the first look", first.said()))
        fine = first.changed == TICKETS and _slim(first) == 1
        for count in CHANGED:
            at = datetime.now(UTC).strftime(FORMAT)
            for number in made[:count]:
                one.itop.objects[number] |= {"title": f"Renamed {count}", "last_update": at}
            cost = one.look("tickets")
            fine &= cost.changed == count and _slim(cost) == 1
            figures.append(Figure(f"... {count} of them changed", cost.said()))
            time.sleep(6)  # what was read within five seconds of its time is read once more
            one.look("tickets")
    return figures, fine


def _slim(cost: Cost) -> int:
    return sum(name == "Ticket" for name, _, _ in cost.calls)


def main() -> int:
    """Measure both, and say what was found."""
    django.setup()

    from tests.conftest import _make_template

    load = psutil.getloadavg()[0]
    servers = Servers.started()
    fine = True
    try:
        _make_template(servers)
        for part in (of_cis, of_tickets):
            figures, kept = part(servers)
            fine &= kept
            for figure in figures:
                target = f"   (target {figure.target})" if figure.target else ""
                sys.stdout.write(f"{figure.what:<44} {figure.found}{target}\n")
                sys.stdout.flush()
    finally:
        servers.stop()
    sys.stdout.write(f"load {load:.1f} before it began; {'' if fine else 'not '}within its bars\n")
    return int(not fine)


if __name__ == "__main__":
    raise SystemExit(main())
