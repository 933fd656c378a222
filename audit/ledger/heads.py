"""Tree heads as they are stored: the newest, with the lines of witnesses, and the keys behind."""

from django.db.models import Count
from django.db.models.functions import Lower

from audit.ledger import tiles
from audit.ledger.merkle import Reader
from audit.ledger.notes import add_lines, parse_line
from audit.models import Cosignature, LogKey, Tile, TreeHead, Witness, Witnessing


def newest() -> TreeHead | None:
    """Return the largest tree head, or None before the first."""
    return TreeHead.objects.first()


def covering(seq: int) -> TreeHead | None:
    """Return the best head over an entry: the newest that the quorum signed, or else the newest."""
    asked = Witnessing.objects.get(id=1)
    signed = (
        Cosignature.objects.filter(size__gte=seq)
        .annotate(who=Lower("administrator"))
        .exclude(who=asked.administrator.lower())
        .values("size")
        .annotate(administrators=Count("who", distinct=True))
        .filter(administrators__gte=max(asked.quorum, 1))
        .order_by("-size")
        .values_list("size", flat=True)
        .first()
    )
    heads = TreeHead.objects.filter(size__gte=seq)
    return heads.filter(size=signed).first() if signed is not None else heads.first()


def cosigned(head: TreeHead) -> str:
    """Return the note of a head with the lines of witnesses below the log's own."""
    lines = Cosignature.objects.filter(size=head.size).order_by("witness")
    return add_lines(head.note, [parse_line(one.line) for one in lines])


def keys() -> dict[str, object]:
    """Return what a bundle or an export says of the keys of the log and of its witnesses."""
    return {
        "keys": list(LogKey.objects.order_by("n").values("vkey", "from_size", "statement")),
        "administrator": Witnessing.objects.get(id=1).administrator,
        "witnesses": list(Witness.objects.order_by("name").values("name", "vkey", "administrator")),
    }


def reader() -> Reader:
    """Return a reader of complete subtrees over the stored tiles."""
    return tiles.reader(tile)


def tile(level: int, index: int) -> bytes:
    """Return the hashes of a stored tile; none where there is no tile."""
    found = Tile.objects.filter(level=level, index=index).values_list("hashes", flat=True).first()
    return b"" if found is None else bytes(found)
