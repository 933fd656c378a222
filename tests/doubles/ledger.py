"""A ledger in memory, signed and witnessed: what an auditor is given, without a database."""

import base64
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.ledger import merkle
from audit.ledger.chain import GENESIS, link
from audit.ledger.logkeys import statement
from audit.ledger.notes import Kind, Signer, TreeHead, add_lines, cosign, sign
from audit.verify import Row

ORIGIN = "0b0e8f0e-0000-4000-8000-000000000000"
NAME = f"ethops/{ORIGIN}"
AT = "2026-11-21T00:00:00.000000Z"


def signer(number, name=NAME, kind=Kind.NOTE):
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)), kind)


def witness(number):
    return signer(100 + number, f"witness.example/{number}", Kind.COSIGNATURE)


def rows(length, bodies=None, later=ORIGIN):
    """Entries in a chain; those after the third carry the name `later`."""
    made, prev = [], GENESIS
    for seq in range(1, length + 1):
        kind, inner = (bodies or {}).get(seq, ("ticket.opened", {}))
        said = {
            "at": AT,
            "body": inner,
            "kind": kind,
            "origin": later if seq > 3 else ORIGIN,
            "subject": f"INC-{seq}",
        }
        body = json.dumps({**said, "ticket": "", "v": 1}, separators=(",", ":")).encode()
        made.append(Row(seq, prev, link(prev, body), body, kind, f"INC-{seq}", "", AT))
        prev = made[-1].hash
    return made


@dataclass
class Signed:
    """Rows with tree heads at some sizes, keys, witnesses."""

    rows: list
    sizes: tuple = ()
    log: Signer = field(default_factory=lambda: signer(1))
    next_log: Signer | None = None
    from_size: int = 0
    witnesses: dict = field(default_factory=dict)
    """Signer -> administrator."""
    administrator: str = "We"
    values: dict = field(default_factory=dict)

    @property
    def leaves(self):
        return [merkle.leaf_hash(row.body) for row in self.rows]

    def note(self, size):
        late = self.next_log if self.next_log and size >= self.from_size else None
        head = TreeHead(NAME, size, merkle.root(self.leaves[:size]))
        note = sign(head.text, late or self.log)
        return add_lines(note, [cosign(head.text, one, 1_700_000_000) for one in self.witnesses])

    @property
    def said(self):
        keys = [{"vkey": self.log.key.vkey, "from_size": 1, "statement": ""}]
        if self.next_log is not None:
            text = statement(self.log, self.next_log.key, self.from_size)
            vkey = self.next_log.key.vkey
            keys.append({"vkey": vkey, "from_size": self.from_size, "statement": text})
        listed = [
            {"name": one.name, "vkey": one.key.vkey, "administrator": who}
            for one, who in self.witnesses.items()
        ]
        return {"keys": keys, "administrator": self.administrator, "witnesses": listed}

    def export(self, heads=None, values=None, **changes):
        end = self.rows[-1]
        notes = [self.note(size) for size in self.sizes] if heads is None else heads
        kept = [
            {"value": digest, "salt": one and one[0], "text": one and one[1]}
            for digest, one in (self.values if values is None else values).items()
        ]
        first = {
            "format": "ethops-ledger/2", "origin": ORIGIN, "seq": end.seq, "hash": end.hash.hex(),
            **self.said, "heads": len(notes), "values": len(kept), **changes,
        }  # fmt: skip
        lines = [first, *({"head": note} for note in notes), *kept, *map(exported, self.rows)]
        return "\n".join(map(json.dumps, lines))

    def bundle(self, *seqs, since=None, **changes):
        size, reader = self.sizes[-1], merkle.reader_of(self.leaves)
        made = {
            "format": "ethops-bundle/1", "head": self.note(size), **self.said,
            "entries": [
                {
                    "seq": seq,
                    "body": text(self.rows[seq - 1].body),
                    "proof": [*map(text, merkle.inclusion(seq - 1, size, reader))],
                }
                for seq in seqs
            ],
        }  # fmt: skip
        if since is not None:
            proof = [*map(text, merkle.consistency(since, size, reader))]
            made["consistency"] = {"head": self.note(since), "proof": proof}
        return {**made, **changes}

    def proof(self, seq):
        one = self.bundle(seq)["entries"][0]
        head = f"c2sp.org/tlog-proof@v1\nextra {one['body']}\nindex {seq - 1}\n"
        return (
            head + "".join(f"{node}\n" for node in one["proof"]) + "\n" + self.note(self.sizes[-1])
        )


def exported(row):
    return {
        "seq": row.seq,
        "prev": row.prev.hex(),
        "hash": row.hash.hex(),
        "body": None if row.body is None else text(row.body),
        "leaf": row.leaf.hex(),
        "kind": row.kind,
        "subject": row.subject,
        "ticket": row.ticket,
        "at": row.at,
    }


def text(data):
    return base64.b64encode(data).decode()
