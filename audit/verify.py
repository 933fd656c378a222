"""Checks an exported ledger on any machine: one file, standard library only, nothing of ethops.

    python verify.py EXPORT.jsonl [--json]

The export holds one JSON object per line: a first line {"origin", "seq", "hash"} (the head) and
then one line {"seq", "prev", "hash", "body", "kind", "subject", "ticket", "at"} per entry, oldest
first; `prev` and `hash` in hex, `body` in base64. Exit status 0: whole; 1: broken; 2: unreadable.

    leaf = SHA-256(0x00 || body)        hash = SHA-256(0x01 || previous hash || leaf)
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

GENESIS = bytes(32)
MOST_FINDINGS = 100


@dataclass(frozen=True)
class Row:
    """One entry as stored: `body` is the truth, the last four are projections of it."""

    seq: int
    prev: bytes
    hash: bytes
    body: bytes
    kind: str
    subject: str
    ticket: str
    at: str


@dataclass
class Report:
    """What was found: `findings` is empty where the chain is whole."""

    entries: int = 0
    last: int = 0
    head: str = ""
    findings: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """True when nothing was found."""
        return not self.findings


def link(prev: bytes, body: bytes) -> bytes:
    """Return the hash of an entry that follows `prev`."""
    leaf = hashlib.sha256(b"\x00" + body).digest()
    return hashlib.sha256(b"\x01" + prev + leaf).digest()


def verify(
    rows: Iterable[Row],
    *,
    origin: str,
    head_seq: int,
    head_hash: bytes,
    start: int = 0,
    start_hash: bytes = GENESIS,
) -> Report:
    """Walk the chain from entry `start` + 1 and compare each projection with the bytes."""
    report = Report(last=start)
    prev = start_hash
    for row in rows:
        report.entries += 1
        if len(report.findings) < MOST_FINDINGS:
            report.findings += list(_faults(row, origin, report.last + 1, prev))
        report.last, prev = row.seq, link(prev, row.body)
    report.head = prev.hex()
    if report.last != head_seq:
        report.findings.append(f"head: says #{head_seq}, but the entries end at #{report.last}")
    elif prev != head_hash:
        report.findings.append(f"head: its hash is not that of entry #{head_seq}")
    return report


def _faults(row: Row, origin: str, expected: int, prev: bytes) -> Iterator[str]:
    if row.seq != expected:
        yield f"#{row.seq}: expected #{expected}: entries are missing or out of order"
    if row.prev != prev:
        yield f"#{row.seq}: does not follow the entry before it"
    if row.hash != link(prev, row.body):
        yield f"#{row.seq}: its bytes do not give its hash"
    try:
        said = json.loads(row.body)
    except ValueError:
        yield f"#{row.seq}: its bytes are not JSON"
        return
    if not isinstance(said, dict):
        yield f"#{row.seq}: its bytes are not an entry"
        return
    shown = {
        "v": 1,
        "origin": origin,
        "kind": row.kind,
        "subject": row.subject,
        "ticket": row.ticket,
        "at": row.at,
    }
    for name, value in shown.items():
        if said.get(name) != value:
            yield f"#{row.seq}: shows {name} {value!r}, but its bytes say {said.get(name)!r}"


def read_export(lines: Iterable[str]) -> tuple[str, int, bytes, Iterator[Row]]:
    """Return origin, head number, head hash and the entries of an export."""
    each = iter(lines)
    head = json.loads(next(each, "null"))
    if not isinstance(head, dict) or not {"origin", "seq", "hash"} <= head.keys():
        raise ValueError("line 1 is not the head of an export")

    def rows() -> Iterator[Row]:
        for number, line in enumerate(each, start=2):
            try:
                said = json.loads(line)
                yield Row(
                    seq=int(said["seq"]),
                    prev=bytes.fromhex(said["prev"]),
                    hash=bytes.fromhex(said["hash"]),
                    body=base64.b64decode(said["body"], validate=True),
                    kind=said["kind"],
                    subject=said["subject"],
                    ticket=said["ticket"],
                    at=said["at"],
                )
            except (KeyError, TypeError, ValueError) as fault:
                raise ValueError(f"line {number} is not an entry: {fault}") from fault

    return str(head["origin"]), int(head["seq"]), bytes.fromhex(head["hash"]), rows()


def main(arguments: list[str]) -> int:
    """Check the export named on the command line."""
    names = [word for word in arguments if word != "--json"]
    if len(names) != 1:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        with open(names[0], encoding="utf-8") as lines:  # noqa: PTH123 - no more than is needed
            origin, seq, head, rows = read_export(lines)
            report = verify(rows, origin=origin, head_seq=seq, head_hash=head)
    except (OSError, ValueError) as fault:
        sys.stderr.write(f"unreadable: {fault}\n")
        return 2
    if "--json" in arguments:
        said = json.dumps({"whole": report.whole, **asdict(report)})
    else:
        said = "\n".join(report.findings) or f"whole: {report.entries} entries to #{report.last}"
    sys.stdout.write(said + "\n")
    return 0 if report.whole else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
