"""Tickets and worklog lines by words: each that is typed is the beginning of one that they hold.

PostgreSQL's trigrams, which would find what stands within a word too, are not at hand in every
house; its words are.
"""

import re
from typing import Final

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from adapters.tickets.models import LogLine, Ticket

WORD: Final = re.compile(r"[^\W_]+")
MOST: Final = 1_000
"""So many that are found are counted and shown."""

_FEW: Final = """
    SELECT ref FROM public.tickets_ticket WHERE words @@ to_tsquery('simple', %s)
    UNION ALL
    SELECT ticket_id FROM public.tickets_ticketci WHERE words @@ to_tsquery('simple', %s)
    LIMIT %s
"""
_MANY: Final = """
    (tickets_ticket.words @@ to_tsquery('simple', %s) OR EXISTS (
        SELECT FROM public.tickets_ticketci AS named
         WHERE named.ticket_id = tickets_ticket.ref AND named.words @@ to_tsquery('simple', %s)))
"""
_LINES: Final = """
    to_tsvector('simple', regexp_replace(tickets_logline.ticket_id || ' ' || tickets_logline.author
        || ' ' || left(tickets_logline.text, 20000), '[^[:alnum:]]+', ' ', 'g'))
    @@ to_tsquery('simple', %s)
"""
"""To the letter as the index has it."""


def query_of(said: str) -> str:
    """Return the words of what somebody typed as a query, all to be found; "" of none."""
    return " & ".join(f"'{word}':*" for word in dict.fromkeys(WORD.findall(said.lower())))


def tickets(there: QuerySet[Ticket], said: str) -> QuerySet[Ticket]:
    """Return those that hold the words in their name, title, people or cause, or in their CIs.

    Few are looked up by the index, whatever their order; of a frequent word so many are in every
    order that whoever goes along it soon has a page of them.
    """
    query = query_of(said)
    if not query:
        return there
    with connection.cursor() as cursor:
        cursor.execute(_FEW, [query, query, MOST + 1])
        found = [ref for (ref,) in cursor.fetchall()]
    # By rows: a ticket is found once more with each of its CIs, and more may be behind the last.
    if len(found) <= MOST:
        return there.filter(pk__in=set(found))
    return there.filter(_is(_MANY, query, query))


def lines(there: QuerySet[LogLine], said: str) -> QuerySet[LogLine]:
    """Return those that hold the words in their text, their author or the ref of their ticket."""
    query = query_of(said)
    if not query:
        return there
    return there.filter(_is(_LINES, query))


def _is(condition: str, *queries: str) -> RawSQL:
    """Return one of the conditions above; what people typed goes beside it."""
    return RawSQL(condition, queries, output_field=BooleanField())  # noqa: S611 - constants
