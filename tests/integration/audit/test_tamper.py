"""28 ways to tamper with the ledger, by attackers of four levels, and who finds them out.

Evidence: V the ledger verifies (chain, tree, heads by the pinned key, columns, values); I the
chains of incarnations; P what belongs together; T times by a witness's clock; S the signer's own
memory of what it signed; R receipts in worklogs; W a witness; H what hosts saw of our keys.
`docs/auditor.md` has the same table.
"""

import json
import re
from argparse import Namespace
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from adapters.telemetry.port import Use
from audit import verify
from audit.checkpointer import Tree, rotate
from audit.errors import NoProofError, SigningRefusedError
from audit.ledger import (
    entries,
    exports,
    instances,
    pairing,
    pending,
    receipts,
    tiles,
    times,
    verification,
)
from audit.ledger.logkeys import KeyFile
from audit.ledger.merkle import consistency, leaf_hash
from audit.ledger.notes import Key, Signer, TreeHead, sign, split
from audit.witness import protocol
from audit.witness.protocol import Refusal, Request
from audit.witness.server import Witness
from audit.witness.state import Store
from ethops.desk.key_use import Permit, World, judge_use
from ethops.env import CLONE
from tests.doubles import other_side
from tests.doubles.agent import finish
from tests.doubles.attacker import Attacker, Mutation, Rows, content, with_body
from tests.doubles.recording import sign_heads
from tests.doubles.tree import Log
from tests.integration.api.scene import ANSWER, QUESTION, Scene, alert


@dataclass
class Outside:
    """A witness on a host of its own: the real program's own parts, without the network."""

    store: Store
    witness: Witness
    origin: str

    def see(self, link: Any) -> str:
        """Show it the newest head, as the process `witnessing` does; returns what it objects."""
        head = link.execute(
            "SELECT size, note FROM audit_treehead ORDER BY size DESC LIMIT 1"
        ).fetchone()
        known = self.store.latest(self.origin)
        if head is None:
            return f"it knows {known.size} entries, none are here" if known else ""
        size, note = head["size"], head["note"]
        old = known.size if known else 0
        if old > size:
            return f"it knows {old} entries, {size} are here"
        try:
            proof = tuple(consistency(old, size, tiles.reader(lambda *at: tile(link, *at))))
        except NoProofError as fault:
            return str(fault)
        answer = self.witness.add(Request(old, proof, note).written())
        if isinstance(answer, Refusal):
            return answer.body.strip()
        line = answer.strip()
        at = datetime.fromtimestamp(notes_time(line), UTC)
        link.execute("SELECT audit.cosigned('north', %s, %s, %s)", [size, line, at])
        return ""

    def newest(self) -> str:
        """What anybody may ask of it: the largest head that it signed."""
        return self.witness.latest(protocol.origin_hash(self.origin)) or ""


def tile(link: Any, level: int, index: int) -> bytes:
    row = link.execute(
        "SELECT hashes FROM audit_tile WHERE level = %s AND index = %s", [level, index]
    ).fetchone()
    return bytes(row["hashes"]) if row else b""


def notes_time(line: str) -> int:
    return int.from_bytes(b64decode(line.rpartition(" ")[2])[4:12], "big")


@dataclass
class House:
    """A real ledger with three heads; a witness has seen the first two."""

    scene: Scene
    keys: KeyFile
    outside: Outside
    attacker_dsn: str
    vkey: str = ""
    sizes: list[int] = field(default_factory=list)
    link: Any = None
    worklog: str = ""
    backup: dict[str, Rows] = field(default_factory=dict)

    def grow(self, *, seen: bool) -> None:
        for number in range(5):
            pending.note(
                kind="person.noted", subject=f"{len(self.sizes)}.{number}", body={"n": number}
            )
        self.scene.record()
        self.sign()
        self.sizes.append(self.size())
        if seen:
            assert self.see() == ""

    def act(self) -> None:
        """One more effect from alert to outcome; its receipt goes into the ticket's worklog."""
        scene = self.scene
        ticket = scene.incident(alert("WebSlow", ci="web-01"))
        scene.one(
            "app",
            "SELECT gate.dispatch('responder', %s, 1, '[\"web-01\"]', 'joined', '{}', %s) AS run",
            ticket, uuid4().hex,
        )  # fmt: skip
        step = scene.step()
        asked = scene.propose(step, "again", "playbook.run", "web-01", "restart")
        scene.record()
        claim = scene.one(
            "executor", "SELECT * FROM gate.claim_effect('executor.plays', 'test', 30)"
        )
        self.worklog = receipts.line_of(asked["action_id"])
        scene.one(
            "executor",
            "SELECT gate.settle(%s, %s, 'done', '{}')", claim["action_id"], claim["fence"],
        )  # fmt: skip
        finish(scene.links["agent"], step, "done", QUESTION, ANSWER)
        scene.record()

    def sign(self) -> None:
        sign_heads(self.signing(), self.keys)

    def signing(self) -> Any:
        if self.link is None:
            self.link = self.scene.connect("audit_signer")
        return self.link

    def size(self) -> int:
        row = self.scene.one("app", "SELECT max(size) AS size FROM audit_treehead")
        return int(row["size"])

    def see(self) -> str:
        self.scene.one("witness", "SELECT 1")
        return self.outside.see(self.scene.links["witness"])

    def back_up(self) -> None:
        """As somebody keeps a copy of the database, for good or bad."""
        copier = self.attacker()
        copier.keep()
        self.backup = copier.kept
        copier.leave()

    def goes_on_as(self, origin: str) -> None:
        """The next head has a new name and a new key, which the old one hands over to.

        Tickets were restored with the ledger, so they remember nothing of what is gone.
        """
        following = self.keys.read_next()
        assert following is not None
        self.outside.origin = origin
        self.outside.witness = Witness(self.outside.store, {origin: [following.key]})
        self.worklog = ""

    def rows(self) -> Rows:
        reader = self.attacker()
        found = reader.rows()
        reader.leave()
        return found

    def attacker(self) -> Attacker:
        return Attacker(self.attacker_dsn, self.keys, self.outside.origin)

    def evidence(self) -> dict[str, list[str]]:
        """Everything that anybody can find out."""
        upto = entries.head().seq
        found = {
            "I": list(instances.faults(since=0, upto=upto)),
            "P": list(pairing.faults(since=0, upto=upto)),
            "T": list(times.faults(since=0, upto=upto)),
        }
        apart = {one for each in found.values() for one in each}
        whole = verification.check(key=self.vkey).findings
        found["V"] = [one for one in whole if one not in apart]
        found["S"] = self.signer()
        receipt = receipts.read(self.worklog)
        found["R"] = list(receipts.findings([("INC-2", receipt)] if receipt else []))
        found["W"] = [one for one in (self.compared(), self.see()) if one]
        return {letter: says for letter, says in found.items() if says}

    def signer(self) -> list[str]:
        try:
            Tree.resume(self.signing(), self.keys)
        except SigningRefusedError as refused:
            return [str(refused)]
        return []

    def compared(self) -> str:
        """Hold an export against the head that the witness knows, with the auditor's own file."""
        lines = exports.lines()
        first = json.loads(next(lines))
        note = self.outside.newest()
        size = int(note.split("\n")[1])
        pins = Namespace(key=self.vkey, witness=[], quorum=0, head=[note])
        try:
            found = verify.File(first, pins).export(lines).findings
        except ValueError as fault:
            return str(fault)
        about = (f"tree head of {size}", f"signed to #{size}")
        return "; ".join(one for one in found if any(words in one for words in about))


@pytest.fixture
def house(role, servers, database_name, tmp_path) -> Any:
    scene = Scene(role)
    scene.furnish()
    scene.history()
    origin = f"ethops/{scene.one('app', 'SELECT origin FROM audit.head()')['origin']}"
    keys = KeyFile(tmp_path / "ledger" / "log.key")
    keys.make(origin)
    vkey = keys.read().key.vkey
    store = Store.open(tmp_path / "witness" / "state.json", "north")
    witness = Witness(store, {origin: [Key.parse(vkey)]})
    scene.one("owner", "UPDATE audit_witnessing SET administrator = 'us', quorum = 1")
    scene.one(
        "owner",
        "INSERT INTO audit_witness (name, vkey, url, administrator)"
        " VALUES ('north', %s, 'http://127.0.0.1:1', 'university')",
        store.signer.key.vkey,
    )
    made = House(
        scene, keys, Outside(store, witness, origin), servers.superuser_dsn(database_name), vkey
    )
    made.grow(seen=True)
    made.back_up()
    made.grow(seen=True)
    # What the witness does not know yet has an effect in it.
    made.act()
    made.grow(seen=False)
    yield made
    store.close()
    connections.close_all()


Deed = Callable[[House, Attacker, str], None]

# ---------------------------------------------------------------- what attackers do


def place(rows: Rows, kind: str) -> int:
    return next(number for number, row in enumerate(rows) if row["kind"] == kind)


def edit(_: Attacker, rows: Rows) -> Rows:
    at = place(rows, "action.authorised")
    rows[at] = with_body(rows[at], target="web-02")
    return rows


def edit_with_hash(by: Attacker, rows: Rows) -> Rows:
    at = place(rows, "action.authorised")
    rows = edit(by, rows)
    rows[at]["hash"] = by.rechained([dict(row) for row in rows])[at]["hash"]
    return rows


def drop_a_note(_: Attacker, rows: Rows) -> Rows:
    del rows[place(rows, "person.noted")]
    return rows


def drop_the_permit(_: Attacker, rows: Rows) -> Rows:
    del rows[place(rows, "action.authorised")]
    return rows


def drop_the_outcome(_: Attacker, rows: Rows) -> Rows:
    del rows[place(rows, "action.outcome")]
    return rows


def cut_below_the_last_head(_: Attacker, rows: Rows) -> Rows:
    return rows[:-2]


def swap_neighbours(_: Attacker, rows: Rows) -> Rows:
    at = place(rows, "person.noted")
    one, other = rows[at], rows[at + 1]
    rows[at], rows[at + 1] = {**other, "seq": one["seq"]}, {**one, "seq": other["seq"]}
    return rows


def forge(_: Attacker, rows: Rows) -> Rows:
    at = place(rows, "person.noted")
    made = with_body(rows[at], said="I approved it.")
    shifted = [{**row, "seq": row["seq"] + 1} for row in rows[at:]]
    return [*rows[:at], made, *shifted]


def replay(_: Attacker, rows: Rows) -> Rows:
    again = rows[place(rows, "action.authorised")]
    return [*rows, {**again, "seq": len(rows) + 1, "prev": rows[-1]["hash"]}]


def swap_payloads(_: Attacker, rows: Rows) -> Rows:
    at = place(rows, "person.noted")
    one, other = content(rows[at])["body"], content(rows[at + 2])["body"]
    rows[at], rows[at + 2] = with_body(rows[at], **other), with_body(rows[at + 2], **one)
    return rows


def by_rows(mutation: Mutation) -> Deed:
    def deed(_: House, by: Attacker, level: str) -> None:
        by.strike(mutation, level)

    return deed


def cut_to(size: int, by: Attacker, level: str) -> None:
    """Let entries, heads and tiles end at an older signed head: no key is needed for it."""
    rows = by.rows()[:size]
    by.write(rows)
    last = rows[-1]["hash"] if rows else bytes(32)
    by.do("UPDATE audit_head SET seq = %s, hash = %s", size, last)
    by.do("DELETE FROM audit_treehead WHERE size > %s", size)
    by.do("DELETE FROM audit_cosignature WHERE size > %s", size)
    by.do("UPDATE audit_witness SET size = least(size, %s)", size)
    by.regrow([leaf_hash(bytes(row["body"])) for row in rows])
    if level >= "b":
        by.align()
    by.forget(level)


def cut_heads_too(house: House, by: Attacker, level: str) -> None:
    cut_to(house.sizes[0], by, level)


def wipe(_: House, by: Attacker, level: str) -> None:
    cut_to(0, by, level)


def cut_beyond_the_witness(house: House, by: Attacker, level: str) -> None:
    cut_to(house.sizes[1], by, level)


def backdate(house: House, by: Attacker, _: str) -> None:
    by.do(
        "INSERT INTO audit_pending (kind, subject, ticket_ref, body, at) VALUES"
        " ('person.noted', 'late', '', '{\"said\": \"I approved it.\"}', now() - interval '2 h')"
    )
    house.scene.record()
    house.sign()


def roll_back(house: House, by: Attacker, level: str) -> None:
    by.kept = house.backup
    by.restore()
    if level >= "b":
        by.align()
    by.forget(level)


def sign_with_another_key(_: House, by: Attacker, __: str) -> None:
    other = Signer.new(by.origin)
    by.do("UPDATE audit_logkey SET vkey = %s", other.key.vkey)
    by.resign(by.rows(), other)


def drop_heads(house: House, by: Attacker, level: str) -> None:
    by.do("DELETE FROM audit_treehead WHERE size > %s", house.sizes[0])
    by.do("DELETE FROM audit_cosignature WHERE size > %s", house.sizes[0])
    by.forget(level)


def edit_a_root(house: House, by: Attacker, level: str) -> None:
    size, wrong = house.sizes[1], bytes(32)
    by.do("UPDATE audit_treehead SET root = %s WHERE size = %s", wrong, size)
    if level >= "c":
        signer = by.keys.read()
        assert signer is not None
        note = sign(TreeHead(by.origin, size, wrong).text, signer)
        by.do("UPDATE audit_treehead SET note = %s WHERE size = %s", note, size)
        by.do("DELETE FROM audit_cosignature WHERE size = %s", size)


def edit_columns(_: House, by: Attacker, __: str) -> None:
    by.do("UPDATE audit_entry SET ticket_ref = 'INC-9' WHERE kind = 'action.authorised'")


def edit_a_value(_: House, by: Attacker, __: str) -> None:
    by.do("UPDATE audit_value SET value = 'nothing of note'")


def drop_a_value(_: House, by: Attacker, __: str) -> None:
    by.do("DELETE FROM audit_value")


DEEDS: dict[int, Deed] = {
    1: by_rows(edit), 2: by_rows(edit_with_hash), 3: by_rows(edit), 4: by_rows(edit),
    5: by_rows(edit), 6: by_rows(drop_a_note), 7: by_rows(drop_a_note),
    8: by_rows(drop_the_permit), 9: by_rows(cut_below_the_last_head), 10: cut_heads_too,
    11: wipe, 12: cut_beyond_the_witness, 13: by_rows(swap_neighbours),
    14: by_rows(swap_neighbours), 15: by_rows(forge), 16: by_rows(replay), 17: backdate,
    18: by_rows(swap_payloads), 19: roll_back, 20: sign_with_another_key, 21: by_rows(edit),
    22: by_rows(drop_the_outcome), 23: drop_heads, 24: edit_a_root, 25: edit_columns,
    26: edit_a_value, 27: drop_a_value,
}  # fmt: skip
"""Class -> how it is done; 28 leaves no trace in the ledger at all."""

PAGE = (CLONE / "docs/auditor.md").read_text(encoding="utf-8")
TOLD = {
    int(number): dict(zip("abcd", (cell.strip() for cell in cells.split("|")), strict=True))
    for number, cells in re.findall(
        r"^\| (\d+) \| [^|]+ \| ((?:[^|]+ \| ){3}[^|]+) \|$", PAGE, re.MULTILINE
    )
}
CASES = [
    (number, level, said)
    for number, cells in sorted(TOLD.items())
    for level, said in cells.items()
    if number in DEEDS and not said.startswith("as ")
]


def test_all_classes_are_told_at_all_levels():
    assert sorted(TOLD) == list(range(1, 29))
    same = {said for cells in TOLD.values() for said in cells.values() if said.startswith("as ")}
    assert all(int(said[3:]) in TOLD for said in same)


@pytest.mark.parametrize(("number", "level", "said"), CASES)
def test_it_is_exposed_by_what_the_page_says(house, number, level, said):
    attacker = house.attacker()
    DEEDS[number](house, attacker, level)
    attacker.leave()
    assert "".join(sorted(house.evidence())) == said


def test_what_was_cut_beyond_the_witness_shows_once_a_witness_has_seen_it(house):
    assert house.see() == ""
    attacker = house.attacker()
    cut_beyond_the_witness(house, attacker, "d")
    attacker.leave()
    assert "W" in house.evidence()


def test_the_use_of_a_key_that_no_entry_permits_is_seen_on_the_host():
    assert set(TOLD[28].values()) == {"H"}
    at = datetime.now(UTC)
    use = Use(
        id=1, kind="login", host="web", at=at, after=at, seen_at=at, session="7", account="ethops",
        granted=True, method="publickey", fingerprint=other_side.OURS, authority="",
        address="10.9.0.5", port=1024, run_as="", command="", ended_at=None, line="",
    )  # fmt: skip
    world = World(other_side.KEYS, {}, {})
    assert judge_use(use, world).faults == ("no_permit",)
    permit = Permit(
        id=uuid4(), ticket_ref="INC-1", ci="web", host="web", account="ethops",
        begin=at - timedelta(seconds=9), end=None, shows=True, is_remote=True, commands=None,
    )  # fmt: skip
    permitted = World(other_side.KEYS, {}, {"web": (permit,)})
    assert not judge_use(use, permitted).is_mismatch


# ---------------------------------------------------------------- what is no tampering


def test_a_ledger_at_peace_gives_no_evidence(house):
    assert house.evidence() == {}


def test_a_redaction_is_no_tampering(house):
    digest = content(house.rows()[place(house.rows(), "action.authorised")])["body"]["values"]
    house.scene.one("owner", "SELECT audit.redact(%s, 'ada', 'a name')", digest["args"])
    house.grow(seen=True)
    assert house.evidence() == {}


def test_declared_retention_is_no_tampering(house):
    house.see()
    house.scene.one(
        "app",
        "SELECT audit.declare_pruning(1, 12, 'half a year', 0, %s, 'ada', 'space')", "ab" * 32,
    )  # fmt: skip
    house.grow(seen=True)
    assert house.scene.one("owner", "SELECT audit.prune(100) AS gone")["gone"] > 0
    assert house.evidence() == {}


def test_a_second_deployment_at_the_same_witness_is_no_tampering(house):
    other = Log(Signer.new("ethops/another")).grow(40)
    known = {house.outside.origin: [Key.parse(house.vkey)], "ethops/another": [other.signer.key]}
    house.outside.witness = Witness(house.outside.store, known)
    assert isinstance(house.outside.witness.add(other.request(0).written()), str)
    house.grow(seen=True)
    assert house.evidence() == {}


@pytest.mark.parametrize("minutes", [-9, 9, 240])
def test_a_step_of_the_clock_is_no_tampering(house, minutes):
    """Entries go on under a clock that was set, and that is set right again."""
    for step in (minutes, 0):
        house.scene.one(
            "owner",
            "INSERT INTO audit_pending (kind, subject, ticket_ref, body, at) SELECT"
            " 'person.noted', n::text, '', '{}', clock_timestamp() + make_interval(mins => %s)"
            " FROM generate_series(1, 3) n", step,
        )  # fmt: skip
        house.scene.record()
        house.sign()
        assert house.see() == ""
    assert house.evidence() == {}


def test_a_signer_killed_between_signing_and_publishing_is_no_tampering(house):
    before = house.keys.signed.read_text()
    house.grow(seen=False)
    # Killed right after the commit: the head is stored, the note beside the key is the old one.
    house.keys.signed.write_text(before)
    house.link.close()
    house.link = None
    house.sign()
    house.grow(seen=True)
    assert house.evidence() == {}


def test_a_restored_backup_with_a_declared_epoch_is_no_tampering(house):
    restorer = house.attacker()
    restorer.kept = house.backup
    restorer.restore()
    restorer.align()  # the rest of the database is as old
    restorer.leave()
    note = house.outside.newest()
    known = TreeHead.parse(split(note)[0])
    origin = house.scene.one(
        "app",
        "SELECT audit.declare_epoch('ada', 'the disk died', %s, %s) AS origin",
        known.size, known.root.hex(),
    )["origin"]  # fmt: skip
    house.scene.record()
    house.scene.record()
    rotate(house.keys, f"ethops/{origin}")
    house.goes_on_as(f"ethops/{origin}")
    house.grow(seen=True)
    assert house.evidence() == {}
