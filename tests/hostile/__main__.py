"""The whole of it, by command: `python -m tests.hostile --attempts 100000`.

Starts a PostgreSQL of its own, shares the attempts out among processes with a database each, and
says what came of it; exit status 1 where gate and oracle disagree.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import fields
from typing import TYPE_CHECKING

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

if TYPE_CHECKING:
    from tests.hostile.campaign import Tally


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--shard", help="used among themselves")
    said = parser.parse_args()
    django.setup()
    if said.shard:
        return shard(said.shard, said.seed, said.attempts)
    return whole(said.attempts, said.processes, said.seed)


def whole(attempts: int, processes: int, seed: int) -> int:
    """Start the servers and the processes, and add up what they say."""
    from tests.conftest import TEMPLATE, _make_template
    from tests.hostile.campaign import Tally
    from tests.servers import Servers

    servers = Servers.started()
    began = time.monotonic()
    try:
        if not servers.has_database(TEMPLATE):
            _make_template(servers)
        share = -(-attempts // processes)
        children = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.hostile", "--shard", servers.describe()),
                    *("--seed", str(seed + n), "--attempts", str(share)),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(processes)
        ]
        total = Tally()
        for child in children:
            out, _ = child.communicate()
            if child.returncode:
                return 1
            total.add(Tally(**json.loads(out.splitlines()[-1])))
    finally:
        servers.stop()
    return show(total, time.monotonic() - began)


def show(total: "Tally", seconds: float) -> int:
    """Print the figures, and what is wrong, if anything."""
    lines = {
        "attempts": f"{total.attempts} in {seconds:.0f} s ({total.attempts / seconds:.0f}/s)",
        "unauthorised": len(total.unauthorised),
        "false denials": len(total.false_denials),
        "denied for a reason that is not true": len(total.wrong_reasons),
        "not on record": len(total.unwritten),
        "told, no longer written down (20 past the budget)": total.told_only,
        "for runs that never were (on record once an hour)": total.strangers,
        "no request at all (refused by type)": total.no_requests,
        "verdicts": dict(total.verdicts),
        "denied by": dict(total.guards.most_common()),
    }
    for name, value in lines.items():
        sys.stdout.write(f"{name:<52} {value}\n")
    for name in ("unauthorised", "false_denials", "wrong_reasons", "unwritten"):
        for line in getattr(total, name)[:10]:
            sys.stdout.write(f"{name}: {line}\n")
    return 0 if total.clean else 1


def shard(described: str, seed: int, attempts: int) -> int:
    """Make one process's share of attempts."""
    from tests.hostile import campaign
    from tests.hostile.house import house
    from tests.servers import Servers

    with house(Servers.joined(described), f"ethops_hostile_{seed}", seed) as made:
        tally = campaign.whole(made, attempts)
    sys.stdout.write(json.dumps({f.name: getattr(tally, f.name) for f in fields(tally)}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
