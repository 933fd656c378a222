"""Proofs over HTTP: heads, consistency, and tiles at the paths of C2SP tlog-tiles."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.ledger import proofs
from audit.ledger.tiles import WIDTH
from audit.models import TreeHead
from ethops.api.ledger import MOST_SEQ, HeadOut, Hex
from ethops.api.reading import AtTheDesk, Cursor, Shelf
from ethops.world import ledger_proofs

FOR_EVER = "private, max-age=31536000, immutable"
"""A tile, once signed for, never changes; neither does a part of it of a given width."""


class HeadInList(serializers.Serializer[Any]):
    """A head as a line of the list."""

    size = serializers.IntegerField()
    root_hash = Hex(source="root")
    note = serializers.CharField()
    at = serializers.DateTimeField()


class BySize(Cursor):
    """Pages of heads."""

    ordering = "-size"


class Heads(Shelf[TreeHead]):
    """Signed tree heads, newest first; one comes with the lines of its witnesses."""

    pagination_class = BySize
    serializer_class = HeadInList
    lookup_field = "size"
    lookup_value_regex = "latest|[0-9]{1,18}"
    filters: ClassVar = {
        "after": ("size__gt", serializers.IntegerField(min_value=0, max_value=MOST_SEQ)),
        "before": ("size__lt", serializers.IntegerField(min_value=0, max_value=MOST_SEQ)),
    }

    def get_queryset(self) -> QuerySet[TreeHead]:
        """Return every head."""
        return ledger_proofs.heads()

    @extend_schema(
        responses=HeadOut, parameters=[OpenApiParameter("size", str, OpenApiParameter.PATH)]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one head by its size, or `latest`."""
        del request, args
        rows = ledger_proofs.heads()
        if kwargs["size"] != "latest":
            rows = rows.filter(size=int(kwargs["size"]))
        found = ledger_proofs.head(rows.first())
        if found is None:
            raise Http404("No such tree head has been signed.")
        return Response(HeadOut(found).data)


class ConsistencyOut(serializers.Serializer[Any]):
    """Both roots and the proof between them; hashes in hex."""

    old = serializers.IntegerField()
    new = serializers.IntegerField()
    old_root = Hex()
    new_root = Hex()
    proof = serializers.ListField(child=Hex())


class Consistent(APIView):
    """That an older tree is the beginning of a newer one."""

    permission_classes = (AtTheDesk,)

    @extend_schema(
        parameters=[
            OpenApiParameter("old", int, required=True),
            OpenApiParameter("new", int, description="the newest signed head where left out"),
        ],
        responses=ConsistencyOut,
    )
    def get(self, request: Request) -> Response:
        """Return both roots and the hashes of the proof, in hex."""
        newest = ledger_proofs.heads().values_list("size", flat=True).first()
        if newest is None:
            raise Http404("No tree head has been signed yet.")
        new = _size(request, "new", newest, newest)
        old = _size(request, "old", None, new)
        shown = {
            "old": old,
            "new": new,
            "old_root": ledger_proofs.root(old),
            "new_root": ledger_proofs.root(new),
            "proof": proofs.consistency(old, new),
        }
        return Response(ConsistencyOut(shown).data)


def _size(request: Request, name: str, default: int | None, most: int) -> int:
    said = request.query_params.get(name)
    if said is None and default is not None:
        return default
    field = serializers.IntegerField(min_value=1, max_value=most)
    try:
        value: int = field.run_validation(said if said is not None else serializers.empty)
    except exceptions.ValidationError as fault:
        raise exceptions.ValidationError({name: fault.detail}) from fault
    return value


class Plain(JSONRenderer):
    """The head as text; a refusal is still a problem in JSON."""

    media_type = "text/plain"


class Octets(JSONRenderer):
    """Tiles as bytes; a refusal is still a problem in JSON."""

    media_type = "application/octet-stream"


class Checkpoint(APIView):
    """The newest signed head with its witnesses' lines, at the path where C2SP looks for it."""

    permission_classes = (AtTheDesk,)
    renderer_classes = (Plain, JSONRenderer)

    @extend_schema(responses={(200, "text/plain"): str})
    def get(self, request: Request) -> HttpResponse:
        """Return the signed note."""
        del request
        found = ledger_proofs.latest()
        if found is None:
            raise Http404("No tree head has been signed yet.")
        headers = {"Cache-Control": "no-cache"}
        return HttpResponse(found.note, content_type="text/plain; charset=utf-8", headers=headers)


class TileView(APIView):
    """Tiles of hashes and bundles of entries: `tile/LEVEL/INDEX`, `tile/entries/INDEX`."""

    permission_classes = (AtTheDesk,)
    renderer_classes = (Octets, JSONRenderer)

    @extend_schema(
        parameters=[
            OpenApiParameter("level", str, OpenApiParameter.PATH, description="0 to 63, entries"),
            OpenApiParameter("index", str, OpenApiParameter.PATH, description="as x001/x234/067"),
        ],
        responses={(200, "application/octet-stream"): bytes},
    )
    def get(self, request: Request, level: str, index: str) -> HttpResponse:
        """Return a tile; one that no signed head covers yet is not there."""
        del request
        place, _, part = index.partition(".p/")
        number, width = int(place.replace("x", "").replace("/", "")), int(part or WIDTH)
        found = None
        if 0 < width <= WIDTH and not (part and width == WIDTH) and number < MOST_SEQ:
            found = (
                ledger_proofs.entry_bundle(number, width)
                if level == "entries"
                else ledger_proofs.tile(int(level), number, width)
            )
        if found is None:
            raise Http404("No signed head covers such a tile.")
        headers = {"Cache-Control": FOR_EVER}
        return HttpResponse(found, content_type="application/octet-stream", headers=headers)


TILE = (
    r"(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])"
    r"/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3}(?:\.p/[0-9]{1,3})?)"
)
