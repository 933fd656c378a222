"""The tree cut into tiles of 256 hashes, pure: C2SP tlog-tiles, height 8.

Tile `index` at `level` holds the hashes of the complete subtrees of 256^level leaves, 256 side by
side; the last of each level may be partial. Entry bundles hold the entries of a tile of level 0.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from audit.errors import NoProofError
from audit.ledger.merkle import Frontier, Reader, node_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH = 32
FULL = WIDTH * HASH

Place: TypeAlias = tuple[int, int]
"""Level and index of a tile."""

Fetch: TypeAlias = Callable[[int, int], bytes]
"""Returns the hashes of a tile, as many as there are; none where there is no tile."""


def path(level: int | str, index: int, width: int = WIDTH) -> str:
    """Return the path of a tile, or of an entry bundle at level `entries`."""
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(reversed(parts))}" + (f".p/{width}" if width < WIDTH else "")


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield level, index and width of every tile that a tree of this size has."""
    level, count = 0, size
    while count:
        for index in range(-(-count // WIDTH)):
            yield level, index, min(WIDTH, count - index * WIDTH)
        level, count = level + 1, count >> HEIGHT


def width_at(size: int, level: int, index: int) -> int:
    """Return how many hashes a tile has in a tree of this size."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - index * WIDTH))


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return an entry bundle: each entry behind its length in 16 bits."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def reader(fetch: Fetch) -> Reader:
    """Return a reader of complete subtrees over tiles; each tile is fetched once."""
    kept: dict[Place, bytes] = {}

    def read(level: int, index: int) -> bytes:
        above, below = divmod(level, HEIGHT)
        first = index << below
        place = (above, first >> HEIGHT)
        if place not in kept:
            kept[place] = fetch(*place)
        start = first % WIDTH * HASH
        hashes = kept[place][start : start + (HASH << below)]
        if len(hashes) != HASH << below:
            raise NoProofError(f"tile {place[0]}/{place[1]} of the tree is not there, or cut short")
        return _over([hashes[i : i + HASH] for i in range(0, len(hashes), HASH)])

    return read


def _over(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def root_of(hashes: bytes) -> bytes:
    """Return the hash over a full tile; nothing where it is not full."""
    if len(hashes) != FULL:
        return b""
    return _over([hashes[i : i + HASH] for i in range(0, FULL, HASH)])


class Growth:
    """The right edge of the tiles: takes leaves, and says which tiles have changed."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._edge: dict[int, bytearray] = {}
        self._touched: set[int] = set()
        self._changed: dict[Place, bytes] = {}
        level = 0
        while size >> HEIGHT * level:
            width = (size >> HEIGHT * level) % WIDTH
            index = size >> HEIGHT * (level + 1)
            held = fetch(level, index)[: width * HASH] if width else b""
            if len(held) != width * HASH:
                raise NoProofError(f"tile {level}/{index} of the tree is not there, or cut short")
            self._edge[level] = bytearray(held)
            level += 1
        read = reader(fetch)
        self._frontier = Frontier.read(size, read)
        self.last = read(0, size - 1) if size else b""
        """The hash of the last leaf."""

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._frontier.size

    def root(self) -> bytes:
        """Return the root at this size."""
        return self._frontier.root()

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        self._frontier.append(leaf)
        self.last = leaf
        self._put(0, self.size, leaf)

    def settle(self) -> dict[Place, bytes]:
        """Return what must be stored since the last call, partial tiles as they are now."""
        changed, self._changed = self._changed, {}
        for level in self._touched:
            if self._edge[level]:
                changed[level, self.size >> HEIGHT * (level + 1)] = bytes(self._edge[level])
        self._touched.clear()
        return changed

    def _put(self, level: int, count: int, node: bytes) -> None:
        held = self._edge.setdefault(level, bytearray())
        held += node
        self._touched.add(level)
        if len(held) == FULL:
            full = bytes(held)
            self._changed[level, (count >> HEIGHT) - 1] = full
            held.clear()
            self._put(level + 1, count >> HEIGHT, root_of(full))
