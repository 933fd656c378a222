"""Proofs about entries and tree heads, from the stored tiles; and one as a C2SP tlog-proof."""

import base64

from audit.errors import NoProofError
from audit.ledger import heads, merkle
from audit.ledger.entries import PRUNED
from audit.models import Entry, TreeHead

FIRST_LINE = "c2sp.org/tlog-proof@v1"


def inclusion(seq: int, size: int) -> list[bytes]:
    """Return the proof that entry `seq` is in the tree of `size`.

    Raises:
        NoProofError: the tree does not reach so far, or a tile is missing.
    """
    return merkle.inclusion(seq - 1, size, heads.reader())


def consistency(old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of `old` is the beginning of the tree of `new`.

    Raises:
        NoProofError: the sizes are the wrong way round, or no head reaches so far.
    """
    head = heads.newest()
    if head is None or new > head.size:
        raise NoProofError(f"no tree head of {new} has been signed")
    return merkle.consistency(old, new, heads.reader())


def head_over(seq: int) -> TreeHead:
    """Return the best tree head that covers an entry.

    Raises:
        NoProofError: none covers it yet.
    """
    head = heads.covering(seq)
    if head is None:
        raise NoProofError(f"no tree head covers entry #{seq} yet")
    return head


def entry(seq: int) -> Entry:
    """Return an entry.

    Raises:
        NoProofError: there is none of this number, or retention took its bytes.
    """
    found = Entry.objects.filter(seq=seq).first()
    if found is None:
        raise NoProofError(f"there is no entry #{seq}")
    if found.kind == PRUNED:
        # Its leaf alone would look like bytes that somebody has changed.
        raise NoProofError(f"retention took the bytes of entry #{seq}: ask the archive")
    return found


def tlog_proof(seq: int) -> str:
    """Return a .tlog-proof of an entry; its bytes stand in the `extra` line.

    Raises:
        NoProofError: there is no such entry, or no tree head covers it yet.
    """
    body = bytes(entry(seq).body)
    head = head_over(seq)
    lines = [
        FIRST_LINE,
        f"extra {base64.b64encode(body).decode()}",
        f"index {seq - 1}",
        *(base64.b64encode(node).decode() for node in inclusion(seq, head.size)),
    ]
    return "\n".join(lines) + "\n\n" + heads.cosigned(head)
