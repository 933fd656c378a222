"""Proofs over the ledger's tree, read from its tiles, and its signed heads with their witnesses."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from audit.errors import NoteError
from audit.ledger import heads as stored
from audit.ledger import proofs, tiles
from audit.ledger.entries import PRUNED
from audit.ledger.merkle import root_at, verify_inclusion
from audit.ledger.notes import Key, TreeHead, split, verify_lines
from audit.ledger.witnesses import each_once
from audit.models import Cosignature, Entry, LogKey, Witness, Witnessing
from audit.models import TreeHead as HeadRow
from ethops.world import ledger


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What one witness signed of a head; not independent where he also runs the log."""

    witness: str
    administrator: str
    independent: bool
    line: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree head, and who else has signed it; `note` carries their lines as well."""

    size: int
    root: bytes
    note: str
    at: datetime
    cosigned: tuple[Cosigned, ...]

    @property
    def administrators(self) -> tuple[str, ...]:
        """The independent administrators whose witnesses have signed it."""
        return tuple(each_once(one.administrator for one in self.cosigned if one.independent))

    @property
    def key(self) -> str:
        """The id of the log's key, as the signature's line begins."""
        line = self.note.partition("\n\n— ")[2].partition("\n")[0]
        return line.rpartition(" ")[0].rpartition("/")[2][:8]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The way from an entry to the root of a head; `holds` is what following it gives."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    head: Head
    holds: bool


def heads() -> QuerySet[HeadRow]:
    """Return every signed head, newest first."""
    return HeadRow.objects.order_by("-size")


def head(row: HeadRow | None) -> Head | None:
    """Return a head with the lines of its witnesses."""
    return None if row is None else _with_lines(row)


def _with_lines(row: HeadRow) -> Head:
    ours = Witnessing.objects.filter(id=1).values_list("administrator", flat=True).first() or ""
    lines = Cosignature.objects.filter(size=row.size).order_by("witness")
    cosigned = tuple(
        Cosigned(
            one.witness,
            one.administrator,
            one.administrator.lower() != ours.lower(),
            one.line.rstrip("\n"),
            one.at,
        )
        for one in lines
    )
    note = row.note + "".join(f"{one.line}\n" for one in cosigned)
    return Head(row.size, bytes(row.root), note, row.at, cosigned)


def signed_to() -> int:
    """Return the size of the newest signed head; 0 before the first."""
    return heads().values_list("size", flat=True).first() or 0


def agreed_to() -> int:
    """Return up to which entry others hold us to it: signed by as many witnesses as are asked for.

    Where none is asked for, the log's own signature has to do.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(audit.witnessed_size(), (SELECT max(size) FROM audit_treehead), 0)"
        )
        return int(cursor.fetchone()[0])


def verified(of: Head) -> tuple[bool, list[Cosigned]]:
    """Check the signatures again: is the log's own good, and whose of the witnesses are?"""
    declared = Witness.objects.values_list("name", "vkey")
    others = {key.name for key in _signers(of, [vkey for _, vkey in declared])}
    ours = _signers(of, [one.vkey for one in log_keys() if one.from_size <= of.size])
    return bool(ours), [one for one in of.cosigned if one.witness in others]


def _signers(of: Head, vkeys: Iterable[str]) -> list[Key]:
    """Return the keys that have signed exactly this head; a bad line spoils no other."""
    keys = [Key.parse(vkey) for vkey in vkeys]
    found: list[Key] = []
    try:
        text, lines = split(of.note)
        if TreeHead.parse(text).root != of.root:
            return []
    except NoteError:
        return []
    for line in lines:
        with suppress(NoteError):
            found += [one.key for one in verify_lines(text, [line], keys)]
    return found


def latest() -> Head | None:
    """Return the newest head; None before the first."""
    return head(heads().first())


def behind(those: Sequence[Entry]) -> Head | None:
    """Return the head that a bundle of these entries ends in; None where none covers the first."""
    if not those:
        return None
    return head(stored.covering(those[-1].seq) or stored.covering(those[0].seq))


def proven(of: Entry) -> Inclusion:
    """Return the proof of an entry, to the newest head that a witness has signed, else the newest.

    Raises:
        NoProofError: no head covers it yet, or the tiles that it needs are not there.
    """
    found = _with_lines(proofs.head_over(of.seq))
    path = tuple(proofs.inclusion(of.seq, found.size))
    leaf = ledger.leaf(of)
    holds = verify_inclusion(of.seq - 1, found.size, leaf, path, found.root)
    return Inclusion(of.seq - 1, leaf, path, found, holds)


def root(size: int) -> bytes:
    """Return the root at a size, from the tiles; NoProofError where they are not there."""
    return root_at(size, stored.reader())


def tile(level: int, index: int, width: int) -> bytes | None:
    """Return the first `width` hashes of a tile; None where a signed head has not so many."""
    if width > tiles.width_at(signed_to(), level, index):
        return None
    held = stored.tile(level, index)[: width * tiles.HASH]
    return held if len(held) == width * tiles.HASH else None


def entry_bundle(index: int, width: int) -> bytes | None:
    """Return the bytes of the entries of a tile of level 0, as tlog-tiles lays them out."""
    if width > tiles.width_at(signed_to(), 0, index):
        return None
    first = index * tiles.WIDTH + 1
    bodies = list(
        Entry.objects.filter(seq__gte=first, seq__lt=first + width)
        .exclude(kind=PRUNED)
        .order_by("seq")
        .values_list("body", flat=True)
    )
    return tiles.bundle(map(bytes, bodies)) if len(bodies) == width else None


def log_keys() -> list[LogKey]:
    """Return the log's public keys, oldest first."""
    return list(LogKey.objects.order_by("n"))
