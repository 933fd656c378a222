"""The whole ledger for others: as lines for `verify.py`, and as tiles for any reader of logs."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from django.db import transaction

from audit.errors import NoProofError
from audit.ledger import entries, heads, tiles
from audit.models import Pending, TreeHead, Value

FORMAT = "ethops-ledger/2"
LOOKS, PAUSE_SECONDS = 40, 0.25
"""How long an export waits for the recorder to write a tombstone down: it looks again, since a rare
command needs no session that listens, and the recorder may be off."""

Tell: TypeAlias = Callable[[int, int], None]
"""Told how many of how many are done."""


def lines() -> Iterator[str]:
    """Yield the lines of an export: what the ledger says of itself, heads, values, then entries.

    Raises:
        NoProofError: a redaction waits to be written down, and nobody writes.
    """
    for _ in range(LOOKS):
        with transaction.atomic():
            entries.one_snapshot()
            # A value without its tombstone would look like one that somebody made away with.
            if not Pending.objects.filter(kind="ledger.redacted").exists():
                yield from _lines()
                return
        time.sleep(PAUSE_SECONDS)
    raise NoProofError("a redaction waits to be written down: an export would look damaged")


def _lines() -> Iterator[str]:
    end, notes = entries.head(), _heads()
    values = Value.objects.order_by("digest").values_list("digest", "salt", "value")
    said = {"format": FORMAT, "origin": entries.origin_after(0), "seq": end.seq}
    said |= {"hash": end.hash.hex(), **heads.keys()}
    yield json.dumps({**said, "heads": len(notes), "values": values.count()})
    for note in notes:
        yield json.dumps({"head": note})
    for digest, salt, value in values.iterator():
        kept = None if salt is None else _text(bytes(salt))
        yield json.dumps({"value": digest, "salt": kept, "text": value})
    for row in entries.rows(0, end.seq):
        yield json.dumps(
            {
                "seq": row.seq,
                "prev": row.prev.hex(),
                "hash": row.hash.hex(),
                "body": None if row.body is None else _text(row.body),
                "kind": row.kind,
                "subject": row.subject,
                "ticket": row.ticket,
                "at": row.at,
                **({} if row.body is not None else {"leaf": row.leaf.hex()}),
            }
        )


def archive(first: int, last: int) -> Iterator[str]:
    """Yield the lines of an archive: the entries of a range that still have their bytes."""
    for row in entries.rows(first - 1, last):
        if row.body is not None:
            yield json.dumps(
                {
                    "seq": row.seq,
                    "prev": row.prev.hex(),
                    "hash": row.hash.hex(),
                    "body": _text(row.body),
                }
            )


def _heads() -> list[str]:
    # Lines of witnesses under the best head alone: one is what a reader counts.
    best = heads.covering(0)
    size = best.size if best else 0
    notes = list(TreeHead.objects.filter(size__lte=size).order_by("size"))
    newer = list(TreeHead.objects.filter(size__gt=size).order_by("size"))
    return [
        *(heads.cosigned(head) if head.size == size else head.note for head in notes),
        *(head.note for head in newer),
    ]


def write_tiles(folder: Path, tell: Tell = lambda _done, _all: None) -> TreeHead:
    """Write the newest tree head, its tiles and entry bundles as C2SP tlog-tiles lays them out.

    What is full already and there is left alone, so that a second export writes what is new.

    Raises:
        NoProofError: nothing was signed yet, or a tile is missing.
        OSError: the folder cannot be written.
    """
    head = heads.covering(0)
    if head is None:
        raise NoProofError("no tree head has been signed yet")
    bundles = -(-head.size // tiles.WIDTH)
    for level, index, width in tiles.tiles_of(head.size):
        path = folder / tiles.path(level, index, width)
        if not path.exists():
            _write(path, _tile(level, index, width))
    for index in range(bundles):
        width = tiles.width_at(head.size, 0, index)
        path = folder / tiles.path("entries", index, width)
        if not path.exists():
            first = index * tiles.WIDTH
            bodies = [row.body for row in entries.rows(first, first + width)]
            kept = [body for body in bodies if body is not None]
            # A bundle with a gap would be one of other entries: what is pruned is not there.
            if len(kept) == width:
                _write(path, tiles.bundle(kept))
        tell(min(head.size, (index + 1) * tiles.WIDTH), head.size)
    _write(folder / "checkpoint", heads.cosigned(head).encode())
    return head


def _tile(level: int, index: int, width: int) -> bytes:
    hashes = heads.tile(level, index)[: width * tiles.HASH]
    if len(hashes) != width * tiles.HASH:
        raise NoProofError(f"tile {level}/{index} of the tree is not there, or cut short")
    return hashes


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
