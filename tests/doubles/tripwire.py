"""The embedded ticket system with a tripwire: it looks whether what is being done is in the ledger.

Chosen by its dotted path, as any adapter. `DSN` is a superuser's: no role of ours sees it all.
"""

from collections.abc import Callable
from typing import Any

import psycopg

from adapters.forge import embedded as forge
from adapters.tickets import embedded
from adapters.tickets.port import Deed, Note, TicketDraft, TicketFields

DSN = ""
MET: list[str] = []
"""One line per effect that was met in the act."""

LOOK = """
    SELECT w.id::text, a.verb, w.entry_lsn <= pg_current_wal_flush_lsn(), EXISTS (
           SELECT 1 FROM audit_entry e WHERE e.seq = w.entry_seq AND e.subject = w.id::text
              AND e.kind = 'action.authorised')
      FROM audit_work w JOIN personas_action a ON a.id = w.id
     WHERE w.kind = 'effect' AND w.state = 'leased'
"""


class TrippedError(AssertionError):
    """Something is done that is not in the ledger."""


def look() -> None:
    """Look at every effect that is being carried out now; TrippedError where one has no entry."""
    with psycopg.connect(DSN, autocommit=True) as link:
        for action, verb, flushed, written in link.execute(LOOK).fetchall():
            if not (flushed and written):
                raise TrippedError(f"{verb} {action} is done before its entry is on disk")
            MET.append(verb)


def before(act: Callable[..., Deed]) -> Callable[..., Deed]:
    """Return what looks before it does the same."""

    def looked(**said: Any) -> Deed:
        look()
        return act(**said)

    return looked


Reader = embedded.Reader


class Writer(embedded.Writer):
    """Looks before each write."""

    def open(self, key, draft: TicketDraft, *vouched) -> Deed:
        """Open a ticket."""
        look()
        return super().open(key, draft, *vouched)

    def comment(self, key, ref: str, note: Note) -> Deed:
        """Comment on a ticket."""
        look()
        return super().comment(key, ref, note)

    def move(
        self, key, ref: str, stimulus: str, fields: TicketFields, note: Note, *vouched
    ) -> Deed:
        """Move a ticket."""
        look()
        return super().move(key, ref, stimulus, fields, note, *vouched)


class Forge(forge.Writer):
    """The embedded forge's writer, which looks before it writes."""

    def open(self, key, draft):
        """Open a pull request."""
        look()
        return super().open(key, draft)

    def merge(self, number, *, expected_head, by):
        """Merge a head."""
        look()
        return super().merge(number, expected_head=expected_head, by=by)
