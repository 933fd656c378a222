"""Has our tree heads signed elsewhere: asks every declared witness. It needs no Django and no key.

    DATABASE_URL=... python -m audit.witnessing

One thread per witness, so that none waits for another. A witness is asked for every new head, and
now and then for the old one: that is how we learn that it lives, and that our ledger is as long as
it was when it was signed.
"""

import logging
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from types import FrameType
from typing import Any, Final, NamedTuple, TypeAlias

import psycopg
from psycopg.rows import class_row

from audit.errors import NoProofError, NoteError
from audit.ledger import merkle, tiles
from audit.ledger.notes import Key
from audit.witness.client import Client, Shown
from audit.witness.errors import AheadError, AwayError, RefusedError, WitnessError
from audit.witness_states import AHEAD, AWAY, REFUSES

POLL_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 2.0
LONGEST_BACKOFF_SECONDS: Final = 5.0
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
"""Of a witness that is away: so long does it take at most until effects go on."""
REFUSED_SECONDS: Final = 15.0
FIRST_HEAD_SECONDS: Final = 5.0
ASK_AGAIN_SECONDS: Final = 300.0
"""Also without a new tree head."""

log = logging.getLogger("audit.witnessing")

Link: TypeAlias = psycopg.Connection[tuple[Any, ...]]


class Declared(NamedTuple):
    """A witness as it is declared, and the size that it has signed."""

    name: str
    vkey: str
    url: str
    size: int


class Newest:
    """The newest tree head, and a bell that rings when there is a newer one."""

    def __init__(self) -> None:
        self._bell = threading.Condition()
        self._shown: Shown | None = None
        self.going = True

    def put(self, shown: Shown) -> None:
        """Ring where it is newer."""
        with self._bell:
            if self._shown is None or shown.head.size > self._shown.head.size:
                self._shown = shown
                self._bell.notify_all()

    def end(self) -> None:
        """Let everybody go."""
        with self._bell:
            self.going = False
            self._bell.notify_all()

    def after(self, size: int, seconds: float) -> Shown | None:
        """Return the newest once it is larger than `size`, or after the time; None at the end."""
        with self._bell:
            self._bell.wait_for(lambda: not self.going or self._is_above(size), seconds)
            return self._shown if self.going else None

    def rest(self, seconds: float) -> None:
        """Wait, unless it ends."""
        with self._bell:
            self._bell.wait_for(lambda: not self.going, seconds)

    def _is_above(self, size: int) -> bool:
        return self._shown is not None and self._shown.head.size > size


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
        return _pause(self._failures)

    def _prove(self, old: int, new: int) -> list[bytes]:
        return merkle.consistency(old, new, tiles.reader(self._tile))

    def _tile(self, level: int, index: int) -> bytes:
        row = self._rows.execute(
            "SELECT hashes FROM public.audit_tile WHERE level = %s AND index = %s", [level, index]
        ).fetchone()
        return bytes(row[0]) if row else b""


class Witnessing:
    """The process: listens for tree heads, and keeps one asker per declared witness."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._going = True

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End soon."""
        self._going = False

    def run(self) -> None:
        """Ask until stopped, through every loss of the database."""
        backoff = 0.1
        while self._going:
            try:
                with (
                    psycopg.connect(self._dsn, autocommit=True) as listening,
                    psycopg.connect(self._dsn, autocommit=True) as rows,
                ):
                    backoff = 0.1
                    self._serve(listening, rows)
            except psycopg.OperationalError as fault:
                log.warning("database away: %s", str(fault).splitlines()[0])
                time.sleep(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)

    def _serve(self, listening: Link, rows: Link) -> None:
        listening.execute("LISTEN ethops_treehead")
        newest, askers, beaten = Newest(), dict[str, Asker](), 0.0
        try:
            while self._going:
                if rows.closed:
                    raise psycopg.OperationalError("the second connection is gone")
                if time.monotonic() - beaten > HEARTBEAT_SECONDS:
                    listening.execute("SELECT audit.alive('witnessing')")
                    beaten = time.monotonic()
                    newest, askers = _kept_up(listening, rows, newest, askers)
                shown = _newest(listening)
                if shown is not None:
                    newest.put(shown)
                for _ in listening.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass
        finally:
            newest.end()
            for asker in askers.values():
                asker.join(1.0)


def _pause(failures: int) -> float:
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE_SECONDS)


def _kept_up(
    listening: Link, rows: Link, newest: Newest, askers: dict[str, Asker]
) -> tuple[Newest, dict[str, Asker]]:
    """Begin anew with all askers where one has ended, or where others are declared."""
    declared = {one.name: one for one in _declared(listening)}
    same = {name: asker.declared[:3] for name, asker in askers.items() if asker.is_alive()}
    if same == {name: one[:3] for name, one in declared.items()}:
        return newest, askers
    newest.end()
    newest, askers = Newest(), {}
    for name, one in declared.items():
        askers[name] = Asker(one, rows, newest)
        askers[name].start()
    return newest, askers


def _declared(link: Link) -> list[Declared]:
    with link.cursor(row_factory=class_row(Declared)) as cursor:
        cursor.execute("SELECT name, vkey, url, size FROM public.audit_witness WHERE enabled")
        return [one for one in cursor.fetchall() if _is_usable(one.vkey)]


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
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    dsn = os.environ.get("DATABASE_URL", "")
    if not dsn:
        log.error("DATABASE_URL is not set: give it its own role's DSN")
        return 2
    witnessing = Witnessing(dsn)
    signal.signal(signal.SIGTERM, witnessing.stop)
    signal.signal(signal.SIGINT, witnessing.stop)
    witnessing.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
