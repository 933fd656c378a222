"""Callbacks of a desk elsewhere: known by a secret, kept byte for byte, with work to do."""

import hashlib
import hmac
from typing import Final

from django.db import connection

from ethops import conf

STORE: Final = """
    WITH stored AS (
        INSERT INTO public.itop_callback (digest, raw, received_at, last_at)
        VALUES (%s, %s, clock_timestamp(), clock_timestamp())
        ON CONFLICT (digest) DO UPDATE
           SET repeats = itop_callback.repeats + 1, last_at = clock_timestamp(), state = 'stored',
               asked = itop_callback.asked + (itop_callback.state <> 'stored')::int
        RETURNING id, repeats, asked
    )
    SELECT id, repeats, audit.enqueue('intake', 'control', 'callback ' || id,
        jsonb_build_object('callback', id), 'callback:' || id || ':' || asked, 4) FROM stored
"""
"""One statement, one way to the database and back. The same bytes again while they wait are one
piece of work; once they were looked at, another: they may be about something newer."""


def is_known(secret: str) -> bool:
    """Tell whether a caller has one of our secrets, by its time giving nothing away."""
    said = _digest(secret)
    known = False
    for one in conf.house().itop_callback_secrets:
        known |= hmac.compare_digest(_digest(one), said)
    return known


def accept(raw: bytes) -> tuple[int, bool]:
    """Keep what came, with work to do about it; returns its number, and whether it came before."""
    with connection.cursor() as cursor:
        cursor.execute(STORE, [hashlib.sha256(raw).hexdigest(), raw])
        number, repeats, _ = cursor.fetchone()
    return int(number), int(repeats) > 0


def _digest(secret: str) -> bytes:
    # Of one length, whatever is sent.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
