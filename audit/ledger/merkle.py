"""The Merkle tree of RFC 6962, pure: hashes, roots, proofs, and how a proof is checked.

    leaf = SHA-256(0x00 || data)        node = SHA-256(0x01 || left || right)

Proofs are made from a reader of complete subtrees: `reader(level, index)` is the hash over the
leaves from index * 2^level up to (index + 1) * 2^level. The shapes are those of RFC 6962, section
2.1; the checks are those of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from audit.errors import NoProofError

Reader: TypeAlias = Callable[[int, int], bytes]

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two halves."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the complete subtrees of its size, largest first."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise NoProofError(f"a tree of {size} has {size.bit_count()} complete subtrees")

    @classmethod
    def read(cls, size: int, reader: Reader) -> "Frontier":
        """Return the frontier of a tree that stands elsewhere."""
        return cls(size, [reader(level, index) for level, index in peaks_of(size)])

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self.peaks.pop(), node)
            size >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root at this size."""
        if not self.peaks:
            return EMPTY
        node = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            node = node_hash(left, node)
        return node


def peaks_of(size: int) -> list[tuple[int, int]]:
    """Return level and index of the complete subtrees that make up a tree, largest first."""
    return [
        (level, (size >> level) - 1)
        for level in range(size.bit_length() - 1, -1, -1)
        if size >> level & 1
    ]


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over hashes of leaves."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def reader_of(leaves: Sequence[bytes]) -> Reader:
    """Return a reader over hashes of leaves that are all in memory."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append(
            [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - len(below) % 2, 2)]
        )
    return lambda level, index: levels[level][index]


def root_at(size: int, reader: Reader) -> bytes:
    """Return the root of the first `size` leaves."""
    return Frontier.read(size, reader).root()


# ---------------------------------------------------------------- making proofs


def inclusion(index: int, size: int, reader: Reader) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size`, from the leaf upwards.

    Raises:
        NoProofError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise NoProofError(f"leaf {index} is not in a tree of {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_subtree(middle, end, reader))
            end = middle
        else:
            proof.append(_subtree(start, middle, reader))
            start = middle
    return proof[::-1]


def consistency(old: int, new: int, reader: Reader) -> list[bytes]:
    """Return the proof that the tree of `old` is the beginning of the tree of `new`.

    Raises:
        NoProofError: the sizes are the wrong way round.
    """
    if not 0 <= old <= new:
        raise NoProofError(f"a tree of {old} is not the beginning of a tree of {new}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    start, end, known = 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_subtree(middle, end, reader))
            end = middle
        else:
            proof.append(_subtree(start, middle, reader))
            start, known = middle, False
    if not known:
        proof.append(_subtree(start, end, reader))
    return proof[::-1]


def _split(count: int) -> int:
    # The largest power of two below count.
    return 1 << ((count - 1).bit_length() - 1)


def _subtree(start: int, end: int, reader: Reader) -> bytes:
    # start is a multiple of the smallest power of two that is not below end - start.
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return reader(level, start >> level)
    middle = start + _split(count)
    return node_hash(_subtree(start, middle, reader), _subtree(middle, end, reader))


# ---------------------------------------------------------------- checking proofs


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root_hash: bytes
) -> bool:
    """Tell whether the proof leads from the hash of a leaf to the root."""
    if not 0 <= index < size:
        return False
    node, number, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            node = node_hash(sibling, node)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and node == root_hash


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether the proof shows that the old tree is the beginning of the new one."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY
    nodes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not nodes:
        return False
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            second = node_hash(second, node)
        number, last = number >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
