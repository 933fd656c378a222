"""A log in memory: leaves, tree heads, proofs, and what it asks of a witness."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.ledger import merkle, notes
from audit.ledger.notes import Signer, TreeHead
from audit.witness.protocol import Request


@dataclass
class Log:
    """One history; `fork` gives another one with the same beginning and the same key."""

    signer: Signer = field(default_factory=lambda: Signer.new("example.com/log"))
    leaves: list[bytes] = field(default_factory=list)

    def grow(self, count: int, word: str = "leaf") -> "Log":
        start = len(self.leaves)
        self.leaves += [merkle.leaf_hash(f"{word} {start + n}".encode()) for n in range(count)]
        return self

    def fork(self, at: int) -> "Log":
        return Log(self.signer, self.leaves[:at])

    def head(self, size: int | None = None) -> TreeHead:
        size = len(self.leaves) if size is None else size
        return TreeHead(self.signer.name, size, merkle.root(self.leaves[:size]))

    def proof(self, old: int, size: int) -> Sequence[bytes]:
        return merkle.consistency(old, size, merkle.reader_of(self.leaves[:size]))

    def request(self, old: int, size: int | None = None) -> Request:
        size = len(self.leaves) if size is None else size
        proof = self.proof(old, size) if old <= size else ()
        return Request(old, tuple(proof), notes.sign(self.head(size).text, self.signer))
