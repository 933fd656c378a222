"""Somebody who changes the ledger in the database, past its triggers, with more keys or fewer.

Levels: a edits rows; b also makes the chain anew; c also has the log's key and signs heads anew;
d also makes the incarnations' signatures anew, with keys of his own that their births then name.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from audit.canonical import canonical
from audit.ledger.logkeys import KeyFile
from audit.ledger.merkle import leaf_hash, root
from audit.ledger.notes import Signer, TreeHead, sign
from audit.ledger.tiles import Growth
from personas.incarnation import Incarnation

Rows = list[dict[str, Any]]
Mutation = Callable[["Attacker", Rows], Rows]
LEVELS = "abcd"
TABLES = (
    "audit_entry", "audit_head", "audit_tile", "audit_treehead", "audit_cosignature",
    "audit_logkey", "audit_value",
)  # fmt: skip
COLUMNS = "seq, prev, hash, body, kind, subject, ticket_ref, at"
GENESIS = bytes(32)


@dataclass
class Attacker:
    """The superuser's login, and from level c on the log's key."""

    dsn: str
    keys: KeyFile
    origin: str
    kept: dict[str, Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.link = psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row)
        self.link.execute("SET session_replication_role = replica")
        self.guards = self.link.execute(
            "SELECT tgrelid::regclass::text AS place, tgname AS name FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgenabled = 'A'"
        ).fetchall()
        for guard in self.guards:
            self.do(f"ALTER TABLE {guard['place']} DISABLE TRIGGER {guard['name']}")

    def leave(self) -> None:
        """Put the triggers back, as if nothing had been."""
        for guard in self.guards:
            self.do(f"ALTER TABLE {guard['place']} ENABLE ALWAYS TRIGGER {guard['name']}")
        self.link.close()

    def do(self, statement: str, *values: object) -> Any:
        done = self.link.execute(statement, values or None)  # type: ignore[arg-type]
        return done.fetchall() if done.description else None

    # ------------------------------------------------------------ rows

    def rows(self) -> Rows:
        found: Rows = self.do(f"SELECT {COLUMNS} FROM audit_entry ORDER BY seq")
        return found

    def write(self, rows: Rows) -> None:
        self.do("DELETE FROM audit_entry")
        for row in rows:
            self.do(
                f"INSERT INTO audit_entry ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                *(row[name] for name in COLUMNS.split(", ")),
            )

    def keep(self) -> None:
        """Take a backup of everything that the ledger is."""
        self.kept = {table: self.do(f"SELECT * FROM {table}") for table in TABLES}

    def restore(self) -> None:
        """Put the backup in the place of what is there."""
        for table, rows in self.kept.items():
            self.do(f"DELETE FROM {table}")
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join(["%s"] * len(row))
                self.do(f"INSERT INTO {table} ({names}) VALUES ({marks})", *row.values())

    # ------------------------------------------------------------ what each level adds

    def forget(self, level: str) -> None:
        """Who has the key's host lets the signer remember what fits."""
        if level < "c":
            return
        newest = self.do("SELECT note FROM audit_treehead ORDER BY size DESC LIMIT 1")
        if newest:
            self.keys.remember(newest[0]["note"])
        else:
            self.keys.signed.unlink(missing_ok=True)

    def strike(self, mutation: Mutation, level: str) -> None:
        """Change the entries, then hide it as well as the level can."""
        before = self.rows()
        rows = [dict(row) for row in mutation(self, [dict(row) for row in before])]
        if level >= "d":
            rows = self.reborn(rows, {bytes(row["body"]) for row in before})
        if level >= "b":
            rows = self.rechained(rows)
        self.write(rows)
        if level >= "b":
            last = rows[-1]["hash"] if rows else GENESIS
            self.do("UPDATE audit_head SET seq = %s, hash = %s", len(rows), last)
            self.align()
        if level >= "c":
            self.resign(rows)

    def align(self) -> None:
        """Whoever can do all that lets the other rows of the database say the same."""
        self.do(
            "UPDATE audit_work w SET entry_seq = (SELECT e.seq FROM audit_entry e"
            " WHERE e.subject = w.id::text AND e.kind = 'action.authorised' LIMIT 1)"
            " WHERE w.kind = 'effect'"
        )

    def rechained(self, rows: Rows) -> Rows:
        prev = GENESIS
        for number, row in enumerate(rows, start=1):
            digest = hashlib.sha256(b"\x01" + prev + leaf_hash(bytes(row["body"]))).digest()
            row.update(seq=number, prev=prev, hash=digest)
            prev = digest
        return rows

    def resign(self, rows: Rows, signer: Signer | None = None) -> None:
        """Sign every head anew that there was, as far as the entries reach, and one over all."""
        found = signer or self.keys.read()
        assert found is not None
        leaves = [leaf_hash(bytes(row["body"])) for row in rows]
        before = [row["size"] for row in self.do("SELECT size FROM audit_treehead ORDER BY size")]
        sizes = [size for size in before if size <= len(leaves)]
        if leaves and len(leaves) not in sizes:
            sizes.append(len(leaves))
        stood = {r["size"]: bytes(r["root"]) for r in self.do("SELECT * FROM audit_treehead")}
        self.do("DELETE FROM audit_treehead")
        note = ""
        for size in sizes:
            top = root(leaves[:size])
            note = sign(TreeHead(self.origin, size, top).text, found)
            self.do(
                "INSERT INTO audit_treehead (size, root, note) VALUES (%s, %s, %s)",
                size, top, note,
            )  # fmt: skip
            if stood.get(size) != top or signer is not None:
                # Nobody can forge what others have signed: it can only be left out.
                self.do("DELETE FROM audit_cosignature WHERE size = %s", size)
        self.do("DELETE FROM audit_cosignature WHERE size > %s", len(leaves))
        self.do("UPDATE audit_witness SET size = least(size, %s)", len(leaves))
        self.regrow(leaves)
        # Who has the key's host has also the note of what was signed last.
        self.keys.remember(note) if note else self.keys.signed.unlink(missing_ok=True)

    def regrow(self, leaves: list[bytes]) -> None:
        """Make the tiles anew."""
        self.do("DELETE FROM audit_tile")
        growth = Growth(0, lambda _level, _index: b"")
        for leaf in leaves:
            growth.append(leaf)
        for (level, index), hashes in growth.settle().items():
            self.do(
                "INSERT INTO audit_tile (level, index, hashes) VALUES (%s, %s, %s)",
                level, index, hashes,
            )  # fmt: skip

    def reborn(self, rows: Rows, before: set[bytes]) -> Rows:
        """Give incarnations that were changed a key of ours, and sign anew what they are to say."""
        for birth in [row for row in rows if row["kind"] == "run.incarnation"]:
            said = content(birth)
            instance = said["body"]["instance"]
            signer = Incarnation.mint()
            if not _changed(rows, before, instance):
                continue
            said["body"]["instance_key"] = signer.public_key.hex()
            birth["body"] = canonical(said)
            for row in rows:
                of_it = content(row)
                body = of_it["body"]
                if body.get("instance") == instance and "signed" in body:
                    row["body"] = canonical(_signed_anew(of_it, signer))
                elif row["kind"] == "run.incarnation_end" and body.get("instance") == instance:
                    body.update(count=signer.signed, last=signer.last.hex())
                    row["body"] = canonical(of_it)
        return rows


def _changed(rows: Rows, before: set[bytes], instance: str) -> bool:
    now = [bytes(row["body"]) for row in rows if instance.encode() in bytes(row["body"])]
    was = [body for body in before if instance.encode() in body]
    return sorted(now) != sorted(was)


def _signed_anew(said: dict[str, Any], signer: Incarnation) -> dict[str, Any]:
    body = said["body"]
    statement = json.loads(body["signed"]["statement"])
    again = {name: body.get(name, value) for name, value in statement.items() if name != "kind"} | {
        "kind": statement["kind"]
    }
    again |= {"instance": body["instance"], "v": 1}
    again |= {"instance_seq": signer.signed + 1, "instance_prev": signer.last.hex()}
    text = canonical(again)
    made = signer.key.sign(text).hex()
    body.update(instance_seq=signer.signed + 1, instance_prev=signer.last.hex())
    body["signed"] = {
        "key": signer.public_key.hex(), "statement": text.decode(), "signature": made,
        "holds": True,
    }  # fmt: skip
    signer.signed += 1
    signer.last = hashlib.sha256(text).digest()
    return said


def content(row: dict[str, Any]) -> dict[str, Any]:
    """What the bytes of a row say."""
    said: dict[str, Any] = json.loads(bytes(row["body"]))
    return said


def with_body(row: dict[str, Any], **changes: object) -> dict[str, Any]:
    """The row with its body changed, in canonical form."""
    said = content(row)
    said["body"] |= changes
    return {**row, "body": canonical(said)}
