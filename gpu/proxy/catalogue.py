"""Keys and slots as last read from the rows: a few seconds old at most."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from audit.fields import ClockTimestamp
from gpu import rows
from gpu.clients import digest_of
from gpu.models import Client, Slot
from gpu.proxy.errors import RefusedError

FRESH_SECONDS: Final = 3.0
"""So long a key that was switched off, or a slot that was, is still served."""
_NOBODY: Final = {"WWW-Authenticate": 'Bearer realm="ethops"'}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All keys and slots in use."""

    clients: tuple[Client, ...]
    slots: tuple[Slot, ...]

    def client(self, authorization: str) -> Client:
        """Return whose key a request brings.

        Every key is compared, whichever fits, so that the time taken tells nothing.

        Raises:
            RefusedError: 401, no key or none that is known.
        """
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise RefusedError(
                401,
                "no key: send Authorization: Bearer KEY",
                kind="missing_api_key",
                headers=_NOBODY,
            )
        found = None
        digest = digest_of(key.strip())
        for client in self.clients:
            if hmac.compare_digest(client.key_hash, digest):
                found = client
        if found is None:
            raise RefusedError(
                401, "this key is not known", kind="invalid_api_key", headers=_NOBODY
            )
        return found


def read(seen: Collection[str]) -> Catalogue:
    """Read keys and slots; note of those in `seen` that they were just used."""
    if seen:
        Client.objects.filter(name__in=seen).update(last_seen_at=ClockTimestamp())
    return Catalogue(
        clients=tuple(Client.objects.filter(enabled=True)),
        slots=tuple(rows.slots()),
    )
