"""How soon a storm is one useful line: `python -m tests.bench.storms`, a stack of its own each."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.chaos import room
from tests.chaos.stack import Stack, running, wait_for
from tests.chaos.test_storm import CI, GROWING, send, storm
from tests.chaos.world import Sink, World

CUT_SECONDS = 120.0
"""A power cut is heard of within two minutes."""
DRAIN_SECONDS = 300

FIRST_LINE = """
SELECT extract(epoch FROM (SELECT min(opened_at) FROM public.tickets_ticket)
                        - (SELECT min(received_at) FROM public.desk_delivery))
"""
STORM_LINE = """
SELECT extract(epoch FROM (SELECT min(l.at) FROM public.tickets_logline l
                             JOIN public.desk_storm s ON s.ticket_ref = l.ticket_id
                            WHERE l.text LIKE '%Look first at%')
                        - (SELECT min(received_at) FROM public.desk_delivery))
"""
READ = """
SELECT extract(epoch FROM (SELECT max(at) FROM public.desk_event)
                        - (SELECT max(received_at) FROM public.desk_delivery))
"""
GREAT = """
SELECT count(*) FROM public.tickets_ticket WHERE ticket_class = 'incident' AND parent_id IS NULL
"""
CHILDREN = "SELECT count(*) FROM public.tickets_ticket WHERE parent_id IS NOT NULL"
PLACED = "SELECT count(*) FROM public.desk_event WHERE ticket_ref <> ''"


def one_cause() -> list[Figure]:
    """A thousand alerts of one cause in ten seconds."""
    return _measured("1,000 alerts of one cause in 10 s", storm(), 10.0, _one_ci)


def power_cut() -> list[Figure]:
    """Three hundred alerts in two minutes, the power itself among the last."""
    bodies = [body for _, body in room.bodies(seed=7)]
    return _measured("power cut, 300 alerts in 120 s", bodies, CUT_SECONDS, room.write_site)


def _one_ci(path: Path, notify: str) -> None:
    World(home=path.parent, services={}, directories=(), plain=(CI,)).write_site(path, notify)


def _measured(
    what: str,
    bodies: list[dict[str, Any]],
    seconds: float,
    write_site: Callable[[Path, str], None],
) -> list[Figure]:
    sink = Sink()
    with (
        tempfile.TemporaryDirectory() as logs,
        running(
            lease_seconds=30,
            keep_logs=Path(logs),
            write_site=lambda path: write_site(path, sink.url),
        ) as stack,
    ):
        began = time.monotonic()
        answers = send(stack, bodies, seconds)
        sent = time.monotonic() - began
        if not wait_for(lambda: stack.count(GROWING) == 0, seconds=DRAIN_SECONDS):
            raise TimeoutError("the storm was not worked off")
        return _figures(stack, what, sent, lost=len(bodies) - stack.count(PLACED), said=answers)


def _figures(stack: Stack, what: str, sent: float, *, lost: int, said: list[int]) -> list[Figure]:
    with stack.connect() as link:
        storms = link.execute(
            "SELECT title FROM public.tickets_ticket JOIN public.desk_storm ON ref = ticket_ref"
        ).fetchall()
        lines = link.execute(STORM_LINE).fetchone() or (None,)
    found = [
        Figure(f"{what}: sent within, answers", f"{sent:.1f} s, {sorted(set(said))}"),
        Figure(
            "... incidents, and under them", f"{_one(stack, GREAT)}, {_one(stack, CHILDREN)}", "1"
        ),
        Figure("... alerts lost", str(lost), "0"),
        Figure("... first alert to a line in a ticket", f"{_one(stack, FIRST_LINE):.1f} s", "10 s"),
        Figure("... last alert received to all read", f"{_one(stack, READ):.1f} s"),
    ]
    if storms:
        found += [
            Figure(
                "... first alert to the line of the storm", f"{float(lines[0] or -1):.1f} s", "10 s"
            ),
            Figure("... its title once settled", str(storms[0][0])),
        ]
    return found


def _one(stack: Stack, query: Any) -> float:
    with stack.connect() as link:
        row = link.execute(query).fetchone()
    return float(row[0]) if row and row[0] is not None else -1.0


def main() -> int:
    """Measure both."""
    for part in (one_cause, power_cut):
        for figure in part():
            target = f"   (target {figure.target})" if figure.target else ""
            sys.stdout.write(f"{figure.what:<55} {figure.found}{target}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
