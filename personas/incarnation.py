"""Who signs: one worker process taking one step of a run. The key is born and dies with it.

Each statement names the one before it, so that the statements of an incarnation are a chain of
their own, which nobody can mend who holds the ledger alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.canonical import JSON, canonical


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement as canonical JSON, and its signature in hex."""

    statement: str
    signature: str


@dataclass(slots=True)
class Incarnation:
    """A key in memory, and how far its chain of statements has come."""

    id: UUID
    key: Ed25519PrivateKey = field(repr=False)
    signed: int = 0
    last: bytes = bytes(32)

    @classmethod
    def mint(cls) -> Self:
        """Return a new one with a key of its own."""
        return cls(uuid4(), Ed25519PrivateKey.generate())

    @property
    def public_key(self) -> bytes:
        """The public half, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, said: Mapping[str, JSON]) -> Signed:
        """Sign what is said, as the next statement of the chain.

        Raises:
            NotCanonicalError: something in it has no place in the canonical form.
        """
        statement = canonical(
            {
                **said,
                "v": 1,
                "instance": str(self.id),
                "instance_seq": self.signed + 1,
                "instance_prev": self.last.hex(),
            }
        )
        return Signed(statement.decode("utf-8"), self.key.sign(statement).hex())

    def counted(self, signed: Signed) -> None:
        """Go on after a statement that the gate has taken into the chain."""
        self.signed += 1
        self.last = hashlib.sha256(signed.statement.encode("utf-8")).digest()
