"""Links that open one ticket to one person: a random secret, kept as its hash, with an end.

No signature: a row can be taken back, and whoever makes one needs no key of the web process.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.utils import timezone

from audit.ledger import pending
from ethops.guests.errors import SpentLinkError, UnknownLinkError
from ethops.guests.models import Link

DAYS: Final = 14
LONGEST_DAYS: Final = 90
LONGEST: Final = 64
"""Characters of a secret; what is longer is nobody's."""


def mint(*, ref: str, person: str, by: str, days: int = DAYS) -> tuple[str, datetime]:
    """Return the secret of a new link, and its end; the sender's own action is its record."""
    token = secrets.token_urlsafe(32)
    until = timezone.now() + timedelta(days=min(max(days, 1), LONGEST_DAYS))
    Link.objects.create(
        token_hash=_hash(token), ticket_ref=ref, person=person, made_by=by, expires_at=until
    )
    return token, until


@transaction.atomic
def make(*, ref: str, person: str, by: str, days: int = DAYS) -> str:
    """Return the secret of a new link, on record; it is shown this once."""
    token, until = mint(ref=ref, person=person, by=by, days=days)
    pending.note(
        kind="person.let_in",
        subject=ref,
        ticket_ref=ref,
        body={"person": person, "by": by, "until": until.isoformat()},
    )
    return token


def of_token(token: str) -> Link:
    """Return the link of a secret.

    Raises:
        UnknownLinkError: there is none.
        SpentLinkError: it is good no longer.
    """
    if not token or len(token) > LONGEST:
        raise UnknownLinkError("This link is not one of ours.")
    return good(_hash(token))


def good(token_hash: str) -> Link:
    """Return a link by its hash, as a visitor's session holds it.

    Raises:
        UnknownLinkError: there is none.
        SpentLinkError: it is good no longer.
    """
    found = Link.objects.filter(token_hash=token_hash).first()
    if found is None:
        raise UnknownLinkError("This link is not one of ours.")
    if found.revoked_at is not None:
        raise SpentLinkError("This link was taken back.")
    if found.expires_at <= timezone.now():
        raise SpentLinkError(f"This link was good until {found.expires_at:%-d %B %Y %H:%M} UTC.")
    return found


@transaction.atomic
def revoke(*, ref: str, by: str, person: str = "") -> int:
    """Take back what opens a ticket, to one person or to all; returns how many links."""
    open_now = Link.objects.filter(ticket_ref=ref, revoked_at=None, expires_at__gt=timezone.now())
    if person:
        open_now = open_now.filter(person=person)
    number = open_now.update(revoked_at=timezone.now(), revoked_by=by)
    if number:
        pending.note(
            kind="person.shut_out",
            subject=ref,
            ticket_ref=ref,
            body={"person": person, "by": by, "links": number},
        )
    return number


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
