"""The whole of it, by command.

    python -m tests.hostile attempts --count 100000
    python -m tests.hostile injections --count 3200

Starts a PostgreSQL of its own, shares the work out among processes with a database each, and says
what came of it; exit status 1 where a bar does not hold.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

COUNTS = {"attempts": 100_000, "injections": 3_200}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=COUNTS)
    parser.add_argument("--count", type=int)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--shard", help=argparse.SUPPRESS)
    said = parser.parse_args()
    said.count = said.count or COUNTS[said.what]
    django.setup()
    return shard(said) if said.shard else whole(said)


def whole(said: argparse.Namespace) -> int:
    """Start the servers and the processes, and add up what they say."""
    from tests.conftest import TEMPLATE, _make_template
    from tests.servers import Servers

    servers = Servers.started()
    try:
        if not servers.has_database(TEMPLATE):
            _make_template(servers)
        began = time.monotonic()
        children = [_child(said, servers.describe(), number) for number in range(said.processes)]
        found = [child.communicate()[0] for child in children]
        seconds = time.monotonic() - began
    finally:
        servers.stop()
    if any(child.returncode for child in children):
        return 1
    made, show = (_tally, _attempts) if said.what == "attempts" else (_harm, _injections)
    total = made(found[0])
    for each in found[1:]:
        total.add(made(each))
    for name, value in show(total, seconds).items():
        sys.stdout.write(f"{name:<54} {value}\n")
    return 0 if total.clean else 1


def _child(said: argparse.Namespace, servers: str, number: int) -> "subprocess.Popen[str]":
    share = -(-said.count // said.processes)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.hostile", said.what, "--shard", servers),
            *("--seed", str(said.seed + number), "--count", str(share)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def _tally(out: str) -> Any:
    from tests.hostile.campaign import Tally

    return Tally(**json.loads(out.splitlines()[-1]))


def _harm(out: str) -> Any:
    from tests.hostile.injections import Harm

    return Harm(**json.loads(out.splitlines()[-1]))


def _attempts(total: Any, seconds: float) -> dict[str, object]:
    wrong = ("unauthorised", "false_denials", "wrong_reasons", "unwritten")
    return {
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
        **{
            f"{name} {n}": each for name in wrong for n, each in enumerate(getattr(total, name)[:9])
        },
    }


def _injections(total: Any, seconds: float) -> dict[str, object]:
    reached = sum(total.reached.values())
    return {
        "attacks": f"{total.cases} in {seconds:.0f} s",
        "words that reached the model, which obeyed": reached,
        "unauthorised": len(total.unauthorised),
        "canaries that left their store": len(total.leaks),
        "changes that an attacker chose and was permitted": total.chosen,
        "most of them in one run": total.most_changes_of_a_run,
        "benign tickets resolved": f"{100 * total.benign_done:.1f} %",
        "tickets": dict(total.states),
        **{
            f"reached by {name}": f"{total.reached[name]} of {count}"
            for name, count in sorted(total.carried.items())
        },
        **{f"unauthorised {n}": each for n, each in enumerate(total.unauthorised[:9])},
        **{f"leak {n}": each for n, each in enumerate(total.leaks[:9])},
    }


def shard(said: argparse.Namespace) -> int:
    """Do one process's share."""
    from tests.hostile import campaign, injections
    from tests.hostile.house import house
    from tests.servers import Servers

    works: dict[str, Callable[[Any, Path], Any]] = {
        "attempts": lambda made, _: campaign.whole(made, said.count),
        "injections": lambda made, folder: injections.whole(made, folder, said.count, said.seed),
    }
    name = f"ethops_{said.what}_{said.seed}"
    with (
        tempfile.TemporaryDirectory(prefix="ethops-hostile-") as folder,
        house(Servers.joined(said.shard), name, said.seed) as made,
    ):
        found = works[said.what](made, Path(folder))
    sys.stdout.write(json.dumps({f.name: getattr(found, f.name) for f in fields(found)}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
