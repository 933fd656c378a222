"""Checks the ledger on any machine: one file, standard library only, nothing of ethops.

    verify.py FILE [--key VKEY] [--witness VKEY=WHO]... [--quorum N] [--head NOTE]... [--json]

FILE is an export, a proof bundle or a .tlog-proof. `--key` pins the log's key, `--witness` its
witnesses and WHO runs each (else its own name); what a file says of that is only as good as it is.
`--quorum` asks for administrators, `--head` is of a witness. 0: whole; 1: broken; 2: unreadable.

    leaf = SHA-256(0x00 || body)    hash = SHA-256(0x01 || hash before || leaf)    entry n: leaf n-1
    node = SHA-256(0x01 || left || right)    value, under body.values = SHA-256(0x02 || salt || it)
"""

import argparse
import json
import re
import sys
from binascii import a2b_base64
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial, reduce
from hashlib import sha256, sha512
from itertools import islice
from pathlib import Path
from typing import Any

GENESIS, FIELDS = bytes(32), ("kind", "subject", "ticket", "at")
ODD = TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, MemoryError
VKEY = re.compile(r"(([^+]+)\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44})(?:=(.+))?")  # and whose it is
Row = namedtuple("Row", "seq prev hash body kind subject ticket at leaf", defaults=[b""])
"""One entry: `body` is the truth, the next four show it; a pruned one has its leaf instead."""
_quoted, b64decode = json.encoder.encode_basestring, partial(a2b_base64, strict_mode=True)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):  # one reader would take the first, another the last
        raise json.JSONDecodeError("a name is there twice", "", 0)
    return dict(pairs)


_read = partial(json.loads, object_pairs_hook=_once)


class Report:
    """What was found: `findings` is empty where all is whole; `size` is of the newest tree head."""

    def __init__(self, last: int = 0, findings: Iterable[str] = ()) -> None:
        self.entries, self.last, self.head, self.size, self.faults = 0, last, "", 0, 0
        self.findings, self.administrators, self.says = [*findings], list[str](), list[str]()

    @property
    def whole(self) -> bool:
        """True when nothing was found."""
        return not self.findings

    def find(self, what: str) -> None:
        """Add a finding; past a sensible number they are only counted, in `faults`."""
        self.faults, self.findings = self.faults + 1, [*self.findings[:99], what]


class Walk:
    """A walk over entries in order: chain, tree, projections, and what entries say of others."""

    def __init__(self, origin: str, at: int = 0, prev: bytes = GENESIS, peaks: Any = ()) -> None:
        self.origin, self.size, self.prev, self.report = origin, at, prev, Report(last=at)
        self.peaks, self._gone = list(peaks) or [b""] * at.bit_count(), list[int]()  # or unknown
        self.committed, self.redacted, self._pruned = dict[str, int](), set[str](), list[range]()

    def take(self, rows: Iterable[Row], roots: Mapping[int, bytes]) -> None:
        """Take entries, and compare the tree with the signed root of every size that has one."""
        prev, size, peaks, origin = self.prev, self.size, self.peaks, _quoted(self.origin)
        for row in rows:
            seq, said_prev, said_hash, body, kind, subject, ticket, at, leaf = row
            leaf = leaf if body is None else sha256(b"\0" + body).digest()
            own, node = sha256(b"\1" + prev + leaf).digest(), leaf
            for _ in range((~size & (size + 1)).bit_length() - 1):
                node = sha256(b"\1" + peaks.pop() + node).digest()
            peaks.append(node)
            size += 1
            # Canonical fields come in this order, so comparing the ends is enough.
            end = f',"kind":{_quoted(kind)},"origin":{origin},"subject":{_quoted(subject)}'
            end, start = f'{end},"ticket":{_quoted(ticket)},"v":1}}', f'{{"at":"{at}","body":'
            fits = body and body.endswith(end.encode()) and body.startswith(start.encode())
            if seq != size or said_prev != prev or said_hash != own or not fits:
                self._examine(row, size, prev, own)
            if body is None:
                self._gone.append(seq)
            elif kind.startswith("ledger.") or b'"values":{' in body:
                self._said(seq, kind, body)
                origin = _quoted(self.origin)
            if size in roots and reduce(_over, peaks[::-1]) != roots[size]:
                self.report.find(f"tree head of {size}: its root is not that of the entries")
            prev = own
        self.report.entries += size - self.size
        self.report.last, self.size, self.prev, self.report.head = size, size, prev, prev.hex()

    def end(self, seq: int, digest: bytes, kept: Mapping[str, Any]) -> Report:
        """Compare with the head of the chain, and with values, (salt, text) or None if emptied."""
        if self.size != seq:
            self.report.find(f"head: says #{seq}, but the entries end at #{self.size}")
        elif self.prev != digest:
            self.report.find(f"head: its hash is not that of entry #{seq}")
        for gone in [each for each in self._gone if not any(each in of for of in self._pruned)]:
            self.report.find(f"#{gone}: its bytes are missing, and no entry says why")
        for value, at in self.committed.items():
            held = kept.get(value)
            if held is None and value not in self.redacted:
                self.report.find(f"#{at}: a value beside it is missing without a tombstone")
            elif held and sha256(b"\2" + held[0] + held[1].encode()).hexdigest() != value:
                self.report.find(f"#{at}: a value beside it is not the one it committed to")
        return self.report

    def _examine(self, row: Row, seq: int, prev: bytes, own: bytes) -> None:
        faults = {f"expected #{seq}: entries are missing or disordered": row.seq != seq}
        faults["does not follow the entry before it"] = row.prev != prev
        faults["its bytes do not give its hash"] = row.hash != own
        shown = {"v": 1, "origin": self.origin, **dict(zip(FIELDS, row[4:8], strict=True))}
        try:
            said = dict(_read(row.body)) if row.body is not None else shown
            for name, value in shown.items():
                differs = f"shows {name} {value!r}, but its bytes say {said.get(name)!r}"
                faults[differs] = said.get(name) != value
        except (ValueError, *ODD):
            faults["its bytes are not an entry"] = True
        for what in [what for what, found in faults.items() if found]:
            self.report.find(f"#{row.seq}: {what}")

    def _said(self, seq: int, kind: str, body: bytes) -> None:
        try:
            said = _read(body)["body"]
            if kind == "ledger.redacted":
                self.redacted.add(str(said["digest"]))
            elif kind == "ledger.pruned":
                self._pruned.append(range(int(said["from"]), min(int(said["to"]), seq - 1) + 1))
            elif kind == "ledger.epoch":
                self.origin = str(said["origin"])
            if isinstance(said.get("values"), dict):
                self.committed |= {str(digest): seq for digest in said["values"].values()}
        except (ValueError, *ODD):
            self.report.find(f"#{seq}: what it says cannot be read")


def _over(right: bytes, left: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _climb(at: int, last: int, nodes: Iterable[bytes], old: bytes, new: bytes) -> list[bytes]:
    # RFC 9162, sections 2.1.3.2 and 2.1.4.2: both checks climb in the same way.
    for node in nodes:
        if last == 0:
            return []
        if at & 1 or at == last:
            old, new = _over(old, node), _over(new, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = _over(node, new)
        at, last = at >> 1, last >> 1
    return [] if last else [old, new]


def _consistent(old: int, new: int, before: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    if not 0 < old < new:
        return old == new and not proof and before == root
    nodes = [before, *proof] if old & (old - 1) == 0 else [*proof] or [b""]
    at, last = ((size - 1) // (old & -old) for size in (old, new))
    return _climb(at, last, nodes[1:], nodes[0], nodes[0]) == [before, root]


P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, Y = -121665 * pow(121666, -1, P) % P, 4 * pow(5, -1, P) % P
X = 15112221349535400772501151409588531511454012693041857206046113283949847762202


def _add(a: Any, b: Any) -> Any:
    e, f = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    g, h = 2 * D * a[3] * b[3] % P, 2 * a[2] * b[2]
    e, f, g, h = (f - e) % P, (h - g) % P, (h + g) % P, (f + e) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the owner of this Ed25519 key signed the message (RFC 8032, section 5.1)."""
    y, s = int.from_bytes(public, "little"), int.from_bytes(signature[32:], "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    lengths = len(public) == 32 and len(signature) == 64
    if not lengths or y >= P or s >= L or x * x % P != square or (x == 0 and sign):
        return False
    x = x if x & 1 != sign else P - x  # of the negative of the public point
    h = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % L
    base, minus = (X, Y, 1, X * Y % P), (x, y, 1, x * y % P)
    table = (found := (0, 1, 1, 0)), base, minus, _add(base, minus)
    for bit in range(252, -1, -1):
        found = _add(_add(found, found), table[(s >> bit & 1) + 2 * (h >> bit & 1)])
    x, y = (each * pow(found[2], -1, P) % P for each in found[:2])
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def _opened(note: str, vkeys: Iterable[str], of: bytes = b"\1") -> tuple[str, set[str]]:
    # Its text, and those of the keys of a log (or b"\4", a witness) that signed; bad ones raise.
    text, _, lines = note.rpartition("\n\n")
    text, good = text + "\n", set()
    for vkey in vkeys:
        name, key_id, material = vkey.split("+", 2)
        kind, public = b64decode(material)[:1], b64decode(material)[1:]
        for line in lines.splitlines():
            mark, _, data = line.rpartition(" ")
            raw, cut, said = b64decode(data), 12 if kind == b"\4" else 4, text
            if mark == f"— {name}" and raw[:4].hex() == key_id and kind == of:
                if cut == 12:  # a witness's, with its time
                    said = f"cosignature/v1\ntime {int.from_bytes(raw[4:12], 'big')}\n{text}"
                if not signed(public, said.encode(), raw[cut:]):
                    raise ValueError(f"the signature of {name} is bad")
                good.add(vkey)
    return text, good


class File:
    """What a file says, against the keys that count: the pinned one, and who it handed over to."""

    def __init__(self, said: Mapping[str, Any], pins: argparse.Namespace) -> None:
        self._said, self._pins, self._walk = said, pins, Walk(said.get("origin", ""))
        self.report, self._keys = self._walk.report, list[Any]()
        for key in said["keys"]:
            vkey, from_size = key["vkey"], int(key["from_size"])
            if self._keys:
                before = self._keys[-1][1]
                handed = f"ethops log key\n{before}\n{vkey}\n{from_size}\n", {before}
                if _opened(key["statement"], [before]) != handed:
                    raise ValueError(f"{vkey}: the key before it did not hand over to it")
            if self._keys or vkey == (pins.key or vkey):
                self._keys.append((from_size, vkey))
        if pins.key and not self._keys:
            raise ValueError("the pinned key is not among the keys of the log")
        self.report.says += [] if pins.key else ["no key was pinned: the file names the log's key"]

    def _head(self, note: str, *, check: bool = True) -> tuple[int, bytes]:
        origin, size, root = note.split("\n")[:3]
        keys = [vkey for from_size, vkey in self._keys if from_size <= int(size)][-1:]
        if check and not (_opened(note, keys)[1] and keys[0].startswith(f"{origin}+")):
            raise ValueError(f"tree head of {size}: the log's key did not sign it")
        return int(size), b64decode(root)

    def _behind(self, note: str) -> None:
        named = {each["vkey"]: each["administrator"] for each in self._said.get("witnesses", [])}
        known = self._pins.witness or named
        self.report.says += [] if self._pins.witness else ["no witness was pinned"]
        own = str(self._said.get("administrator", "")).lower()
        found = {known[at].lower(): known[at] for at in sorted(_opened(note, known, b"\4")[1])}
        those = self.report.administrators = sorted(found[at] for at in found if at != own)
        said = f"independent administrators behind the tree head of {self.report.size}"
        self.report.says.append(f"{said}: {', '.join(those) or 'none'}")
        if len(those) < self._pins.quorum:
            self.report.find(f"{said}: {len(those)}, and {self._pins.quorum} are asked for")

    def export(self, lines: Iterator[str]) -> Report:
        """Check an export, whose further lines are heads, values, and entries."""
        found = [_read(line)["head"] for line in islice(lines, int(self._said["heads"]))]
        heads = {note.split("\n\n")[0]: note for note in found + self._pins.head}
        held = [_read(line) for line in islice(lines, int(self._said["values"]))]
        kept = {at["value"]: at["salt"] and (b64decode(at["salt"]), at["text"]) for at in held}
        notes = {int(note.split("\n")[1]): note for note in heads.values()}
        newest = [size for size in sorted(notes)[-100:] if size >= self._keys[0][0]]
        roots = dict(self._head(note, check=size in newest) for size, note in notes.items())
        self._walk.take(map(_row, lines), roots)
        self.report.size = max(roots, default=0)
        if len(notes) < len(heads) or (not newest and (heads or self._pins.key)):
            self.report.find("tree heads: none is by the log's key, or two are of one size")
        if self.report.size > self._walk.size:
            self.report.find(f"signed to #{self.report.size}, but they end at #{self._walk.size}")
        self._behind(notes.get(self.report.size, "\n\n"))
        return self._walk.end(int(self._said["seq"]), bytes.fromhex(self._said["hash"]), kept)

    def bundle(self) -> Report:
        """Check a bundle: each entry is in the tree, and that goes on from an earlier one."""
        size, root = self.report.size, _ = self._head(self._said["head"])
        for each in self._said["entries"] or [{}]:  # without any, it proves nothing
            seq, body = int(each["seq"]), b64decode(each["body"])
            leaf, proof = sha256(b"\0" + body).digest(), [*map(b64decode, each["proof"])]
            if not 0 < seq <= size or _climb(seq - 1, size - 1, proof, leaf, leaf)[1:] != [root]:
                self.report.find(f"#{seq}: it is not in the tree of {size}")
            self.report.entries, self.report.last = self.report.entries + 1, seq
            self.report.says.append("#{} {at} {kind} {subject}".format(seq, **_read(body)))
        before = self._said.get("consistency") or {"head": self._said["head"], "proof": []}
        (old, old_root), proof = self._head(before["head"]), [*map(b64decode, before["proof"])]
        if not _consistent(old, size, old_root, root, proof):
            self.report.find(f"the tree of {old} is not its beginning")
        held = {note.split("\n\n")[0] for note in (self._said["head"], before["head"])}
        if not {note.split("\n\n")[0] for note in self._pins.head} <= held:
            self.report.find("it does not show that it goes on from the tree head that you gave")
        self._behind(self._said["head"])
        return self.report


def _row(line: str) -> Row:
    said = _read(line)
    body = None if said["body"] is None else b64decode(said["body"])
    prev, digest, leaf = (bytes.fromhex(said.get(name, "")) for name in ("prev", "hash", "leaf"))
    return Row._make([int(said["seq"]), prev, digest, body, *(said[name] for name in FIELDS), leaf])


def _proof(text: str, pins: argparse.Namespace) -> Report:
    if not pins.key:
        raise KeyError("a .tlog-proof names no key: give the log's key with --key")
    lines, _, note = text.partition("\n\n")
    extra, index, *proof = lines.split("\n")
    entry = {"seq": int(index[6:]) + 1, "body": extra[6:], "proof": proof}
    said = {"head": note, "entries": [entry], "keys": [{"vkey": pins.key, "from_size": 0}]}
    return File(said, pins).bundle()


def main(arguments: list[str] | None = None) -> int:
    """Check the file named on the command line."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("file")
    parser.add_argument("--key")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--quorum", type=int, default=0)
    parser.add_argument("--head", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    pins = parser.parse_args(arguments)
    pinned = [VKEY.fullmatch(pin) for pin in (*pins.witness, pins.key) if pin is not None]
    if pins.quorum < 0 or not all(pinned):
        parser.error("--key and --witness take a vkey, NAME+ID+BASE64; --quorum nothing below 0")
    pins.witness = {pin[1]: pin[3] or pin[2] for pin in pinned[: len(pins.witness)] if pin}
    try:
        with Path(pins.file).open(encoding="utf-8") as file:
            pins.head = [Path(head).read_text(encoding="utf-8") for head in pins.head]
            if (first := file.readline()) == "c2sp.org/tlog-proof@v1\n":
                report = _proof(file.read(), pins)
            elif '"ethops-bundle/1"' in first[:99]:
                report = File(_read(first + file.read()), pins).bundle()
            else:
                report = File(_read(first), pins).export(file)
    except (OSError, json.JSONDecodeError, UnicodeError, *ODD) as fault:
        sys.stderr.write(f"unreadable: {type(fault).__name__}: {fault}\n")
        return 2
    except ValueError as fault:  # what is forged, or contradicts itself
        report = Report(findings=[str(fault)])
    end = f"{'whole' if report.whole else 'broken'}: {report.entries} entries to #{report.last}"
    said = [at if at.isprintable() else ascii(at) for at in (*report.says, *report.findings, end)]
    text = json.dumps({"whole": report.whole, **vars(report)}) if pins.json else "\n".join(said)
    sys.stdout.write(f"{text}\n")
    return 0 if report.whole else 1


if __name__ == "__main__":
    raise SystemExit(main())
