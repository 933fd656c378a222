"""Thirty days of a seven-node cluster, replayed: `python -m tests.bench.thirty_days [--days N]`.

Everything of ours is real: monitoring, intake, dispatcher, agents with their rules, gate, recorder,
executor, verdicts, recurrence, figures. Simulated are the hosts (`cluster.py`: faults, what a
playbook does to them), who is told, and the one person of this house. Time passes as in
`tests.hostile.day`: rows are made older.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

DATABASE: Final = "ethops_thirty_days"


def main() -> int:
    """Live it, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    said = parser.parse_args()
    django.setup()
    return live(said.days, said.seed)


def live(days: int, seed: int) -> int:
    """Live through it in a database of its own."""
    from django.conf import settings
    from django.db import connections
    from django.utils import timezone

    from ethops.executor.registry import EFFECTS
    from ethops.figures import report
    from personas import loading
    from tests.bench import cluster
    from tests.bench.month import TOLD_AT, Month, Play, Told, furnish, told
    from tests.conftest import TEMPLATE, _make_template, point_django
    from tests.hostile.house import House
    from tests.hostile.oracle import Site
    from tests.servers import Servers

    settings.ETHOPS_NOTIFY = TOLD_AT
    settings.ETHOPS_STATE = Path(tempfile.mkdtemp(prefix="ethops-thirty-days-"))
    # Our own rules, and none of a site: the file is not there.
    settings.ETHOPS_SITE = settings.ETHOPS_STATE / "site.yaml"
    servers = Servers.started()
    try:
        if not servers.has_database(TEMPLATE):
            _make_template(servers)
        servers.clone(TEMPLATE, DATABASE)
        point_django(servers, DATABASE, "ethops_owner")
        loading.load()
        dice = random.Random(seed)  # noqa: S311 - a plan that can be repeated
        house = House(servers, DATABASE, Site(None, {}, {}), dice)  # type: ignore[arg-type]
        furnish(house)
        month = Month(house, cluster.Cluster(dice), days)
        EFFECTS["playbook.run"], EFFECTS["notify"] = Play(month), Told(month)
        began = time.monotonic()
        month.live(cluster.plan(days, dice))
        month.as_role("app")
        found = told(month, report.report(days, timezone.now()), time.monotonic() - began)
        for name, value in found.items():
            sys.stdout.write(f"{name:<46} {value}\n")
        house.close()
        connections.close_all()
    finally:
        servers.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
