"""Hands tree heads to the declared anchors: one thread each, none waits for another."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psycopg

from audit.anchors.anchor import Anchor, AnchorError
from audit.anchors.git import Git
from audit.anchors.opentimestamps import Calendar
from audit.anchors.rfc3161 import Authority
from audit.newest import Newest
from audit.processes import Link, pause_after

FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 300.0

log = logging.getLogger("audit.anchoring")


def declared(said: Mapping[str, Any]) -> list[Anchor]:
    """Return the anchors that ledger.yaml declares, as the loader has stored them."""
    made: list[Anchor] = []
    if git := said.get("git"):
        made.append(
            Git(Path(git["repository"]), git["branch"], git.get("push", ""), git["every_seconds"])
        )
    if tsa := said.get("rfc3161"):
        made.append(Authority(tsa["url"], tsa["certificates"], tsa["every_seconds"]))
    if ots := said.get("opentimestamps"):
        made += [Calendar(url, ots["every_seconds"]) for url in ots["calendars"]]
    return made


class Keeper(threading.Thread):
    """One anchor: gives it what is new, not too often, and keeps its receipts."""

    def __init__(self, anchor: Anchor, rows: Link, newest: Newest) -> None:
        super().__init__(name=f"anchor {anchor.kind}", daemon=True)
        self._anchor = anchor
        self._rows = rows
        self._newest = newest
        self._failures = 0

    def run(self) -> None:
        """Anchor until the end; what the database says ends with it."""
        size = self._last()
        try:
            while self._newest.going:
                shown = self._newest.after(size, LONGEST_PAUSE_SECONDS)
                if shown is None or shown.head.size <= size:
                    continue
                if self._put(shown.note, shown.head.size):
                    size = shown.head.size
                self._newest.rest(self._pause())
        except psycopg.Error as fault:
            log.warning("%s: database away: %s", self._anchor.kind, fault)

    def _last(self) -> int:
        row = self._rows.execute(
            "SELECT coalesce(max(size), 0) FROM public.audit_anchor WHERE kind = %s",
            [self._anchor.kind],
        ).fetchone()
        return int(row[0]) if row else 0

    def _put(self, note: str, size: int) -> bool:
        try:
            receipt = self._anchor.put(note)
        except AnchorError as fault:
            if not self._failures:
                log.warning("%s: %s", self._anchor.kind, fault)
            self._failures += 1
            return False
        self._rows.execute("SELECT audit.anchored(%s, %s, %s)", [size, self._anchor.kind, receipt])
        self._failures = 0
        return True

    def _pause(self) -> float:
        if not self._failures:
            return self._anchor.every_seconds
        return pause_after(self._failures, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
