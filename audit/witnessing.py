"""Has our tree heads signed and kept elsewhere. It needs no Django and no key.

    DATABASE_URL=... python -m audit.witnessing

One thread per witness, so that none waits for another. A witness is asked for every new head, and
now and then for the old one: that is how we learn that it lives, and that our ledger is as long as
it was when it was signed.
"""

import json
import logging
import threading
from datetime import UTC, datetime
from typing import Final, NamedTuple

import psycopg
from psycopg.rows import class_row

from audit import processes
from audit.anchoring import Keeper, declared
from audit.errors import NoProofError, NoteError
from audit.ledger import merkle, tiles
from audit.ledger.notes import Key
from audit.newest import Newest
from audit.processes import Link, Process, pause_after
from audit.witness.client import Client, Shown
from audit.witness.errors import AheadError, AwayError, RefusedError, WitnessError
from audit.witness_states import AHEAD, AWAY, REFUSES

POLL_SECONDS: Final = 1.0
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
"""Of a witness that is away: so long does it take at most until effects go on."""
REFUSED_SECONDS: Final = 15.0
FIRST_HEAD_SECONDS: Final = 5.0
ASK_AGAIN_SECONDS: Final = 300.0
"""Also without a new tree head."""

log = logging.getLogger("audit.witnessing")


class Declared(NamedTuple):
    """A witness as it is declared, and the size that it has signed."""

    name: str
    vkey: str
    url: str
    size: int


class Asker(threading.Thread):
    """One witness: shows it what is new, keeps what it signs, says how it stands."""

    def __init__(self, declared: Declared, rows: Link, newest: Newest) -> None:
        super().__init__(name=f"ask {declared.name}", daemon=True)
        self.declared = declared
        self._rows = rows
        self._newest = newest
        self._client = Client(declared.vkey, declared.url)
        self._known = declared.size
        self._failures = 0

    def run(self) -> None:
        """Ask until the end; what the database says ends with it."""
        # The first time at once, whatever it has signed: it may know of a longer ledger.
        shown = self._newest.after(0, FIRST_HEAD_SECONDS)
        try:
            if shown is None and self._known and self._newest.going:
                self._stands(AHEAD, AheadError(self._known, 0))
            while self._newest.going:
                pause = self._ask(shown) if shown is not None else 0.0
                if pause:
                    self._newest.rest(pause)
                after = self._known if not self._failures else 0
                shown = self._newest.after(after, ASK_AGAIN_SECONDS)
        except psycopg.Error as fault:
            log.warning("%s: database away: %s", self.declared.name, fault)
        finally:
            self._client.close()

    def _ask(self, shown: Shown) -> float:
        """Return how long to leave it in peace, 0 where it has signed."""
        name = self.declared.name
        try:
            signed = self._client.cosign(shown, self._known, self._prove)
        except AheadError as fault:
            if _newest(self._rows, above=shown.head.size) is not None:
                return FIRST_PAUSE_SECONDS  # another of us has shown it a newer one
            return self._stands(AHEAD, fault)
        except RefusedError as fault:
            return self._stands(REFUSES, fault)
        except (AwayError, NoProofError) as fault:
            return self._stands(AWAY, fault)
        at = datetime.fromtimestamp(signed.at, UTC)
        self._rows.execute(
            "SELECT audit.cosigned(%s, %s, %s, %s)", [name, signed.size, signed.line, at]
        )
        if self._failures:
            log.info("%s signs again", name)
        self._known, self._failures = max(self._known, signed.size), 0
        return 0.0

    def _stands(self, state: str, fault: WitnessError | NoProofError) -> float:
        if not self._failures:
            log.warning("%s: %s", self.declared.name, fault)
        self._failures += 1
        self._rows.execute(
            "SELECT audit.witness_stands(%s, %s, %s)", [self.declared.name, state, str(fault)]
        )
        if state != AWAY:
            return REFUSED_SECONDS
        return pause_after(self._failures, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def _prove(self, old: int, new: int) -> list[bytes]:
        return merkle.consistency(old, new, tiles.reader(self._tile))

    def _tile(self, level: int, index: int) -> bytes:
        row = self._rows.execute(
            "SELECT hashes FROM public.audit_tile WHERE level = %s AND index = %s", [level, index]
        ).fetchone()
        return bytes(row[0]) if row else b""


class Witnessing(Process):
    """The process: listens for tree heads, and keeps one asker per declared witness."""

    name = "witnessing"

    def _serve(self, connection: Link) -> None:
        connection.execute("LISTEN ethops_treehead")
        with psycopg.connect(self._dsn, autocommit=True) as rows:
            crew = Crew(rows, Wanted())
            try:
                while self._going:
                    if rows.closed:
                        raise psycopg.OperationalError("the second connection is gone")
                    if self._beat(connection):
                        crew = crew.as_wanted(_wanted(connection))
                    shown = _newest(connection)
                    if shown is not None:
                        crew.newest.put(shown)
                    for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                        pass
            finally:
                crew.end()


class Wanted(NamedTuple):
    """What is declared now."""

    witnesses: tuple[Declared, ...] = ()
    anchors: str = "{}"

    def same_as(self, other: "Wanted") -> bool:
        """Tell whether the same is declared, however much was signed since."""
        ours, theirs = ([one[:3] for one in each.witnesses] for each in (self, other))
        return ours == theirs and self.anchors == other.anchors


class Crew:
    """One thread per witness and per anchor, all on the same newest tree head."""

    def __init__(self, rows: Link, wanted: Wanted) -> None:
        self.newest = Newest()
        self._rows = rows
        self._wanted = wanted
        self._threads: list[threading.Thread] = [
            *(Asker(one, rows, self.newest) for one in wanted.witnesses),
            *(Keeper(one, rows, self.newest) for one in declared(json.loads(wanted.anchors))),
        ]
        for thread in self._threads:
            thread.start()

    def as_wanted(self, wanted: Wanted) -> "Crew":
        """Return this crew while it does all that is wanted, and another one else."""
        if self._wanted.same_as(wanted) and all(one.is_alive() for one in self._threads):
            return self
        self.end()
        return Crew(self._rows, wanted)

    def end(self) -> None:
        """Let everybody go; one that hangs outside ends with the process."""
        self.newest.end()
        for thread in self._threads:
            thread.join(1.0)


def _wanted(link: Link) -> Wanted:
    with link.cursor(row_factory=class_row(Declared)) as cursor:
        cursor.execute(
            "SELECT name, vkey, url, size FROM public.audit_witness WHERE enabled ORDER BY name"
        )
        witnesses = tuple(one for one in cursor.fetchall() if _is_usable(one.vkey))
    row = link.execute("SELECT anchors::text FROM public.audit_witnessing WHERE id = 1").fetchone()
    return Wanted(witnesses, str(row[0]) if row else "{}")


def _is_usable(vkey: str) -> bool:
    # The loader refuses others; a row that somebody changed by hand must not end the rest.
    try:
        Key.parse(vkey)
    except NoteError:
        return False
    return True


def _newest(link: Link, above: int = -1) -> Shown | None:
    row = link.execute(
        "SELECT note FROM public.audit_treehead WHERE size > %s ORDER BY size DESC LIMIT 1",
        [above],
    ).fetchone()
    return Shown.of(str(row[0])) if row else None


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    # It would say each request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return processes.main(Witnessing)


if __name__ == "__main__":
    raise SystemExit(main())
