"""The ledger: entries, one with its bytes and its own proof, and how the whole stands."""

import base64
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.ledger import bundles, proofs
from audit.models import Entry
from ethops.api import acts
from ethops.api.reading import AtTheDesk, Cursor, Filters, Shelf
from ethops.world import ledger, ledger_proofs, ledger_state


@extend_schema_field(OpenApiTypes.STR)
class Hex(serializers.Field[bytes, str, str, Any]):
    """Bytes, in hex."""

    def to_representation(self, value: Any) -> str:
        """Return the hex."""
        return bytes(value).hex()


class EntryOut(serializers.Serializer[Any]):
    """One entry; its bytes come with the single entry only."""

    seq = serializers.IntegerField()
    kind = serializers.CharField()
    subject = serializers.CharField()
    ticket = serializers.CharField(source="ticket_ref")
    at = serializers.DateTimeField()
    hash = Hex()
    prev = Hex()


class EntryWithProof(EntryOut):
    """An entry with its bytes (base64) and what they show by themselves."""

    body = serializers.SerializerMethodField()
    bytes_give_hash = serializers.SerializerMethodField()
    follows_previous = serializers.SerializerMethodField()

    def get_body(self, of: Entry) -> str:
        """Return the bytes in base64."""
        return base64.b64encode(bytes(of.body)).decode("ascii")

    def get_bytes_give_hash(self, of: Entry) -> bool:
        """Hash the bytes again."""
        return ledger.proof(of).bytes_hold

    def get_follows_previous(self, of: Entry) -> bool:
        """Compare its link with the entry before."""
        return ledger.proof(of).follows


class CosignedOut(serializers.Serializer[Any]):
    """What one witness signed."""

    witness = serializers.CharField()
    administrator = serializers.CharField()
    independent = serializers.BooleanField()
    at = serializers.DateTimeField()


class HeadOut(serializers.Serializer[Any]):
    """A signed tree head; `note` is its text with all signatures, as tools read it."""

    size = serializers.IntegerField()
    root_hash = Hex(source="root")
    note = serializers.CharField()
    at = serializers.DateTimeField()
    cosigned = CosignedOut(many=True)
    administrators = serializers.ListField(child=serializers.CharField())


class ProofOut(serializers.Serializer[Any]):
    """The way from an entry to the root of a head; hashes in hex, from the leaf upwards."""

    index = serializers.IntegerField()
    leaf = Hex()
    path = serializers.ListField(child=Hex())
    holds = serializers.BooleanField()
    head = HeadOut()


class CheckOut(serializers.Serializer[Any]):
    """What the last check read and found; `finding` is empty where it was whole."""

    whole = serializers.BooleanField()
    to_seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    finding = serializers.CharField()
    entries = serializers.IntegerField()
    took_s = serializers.FloatField()


class DamageOut(serializers.Serializer[Any]):
    """Damage that no walk over the whole has found mended since."""

    at = serializers.DateTimeField()
    finding = serializers.CharField()
    acknowledged_by = serializers.CharField()
    digest = serializers.CharField()


class SignedOut(serializers.Serializer[Any]):
    """The newest signed head."""

    size = serializers.IntegerField()
    at = serializers.DateTimeField()


class WitnessOut(serializers.Serializer[Any]):
    """One who should sign our heads, and how he stands."""

    name = serializers.CharField()
    administrator = serializers.CharField()
    independent = serializers.BooleanField()
    state = serializers.CharField()
    said = serializers.CharField()
    size = serializers.IntegerField()
    signed_at = serializers.DateTimeField(allow_null=True)


class StandingOut(serializers.Serializer[Any]):
    """How the ledger stands; what was not done yet is null."""

    whole = serializers.BooleanField(allow_null=True)
    seq = serializers.IntegerField()
    waiting = serializers.IntegerField()
    oldest = serializers.DateTimeField(allow_null=True)
    checked = CheckOut(allow_null=True)
    damage = DamageOut(allow_null=True)
    head = SignedOut(allow_null=True)
    refused = serializers.CharField(help_text="why no head is signed; empty where heads are")
    quorum = serializers.IntegerField(help_text="administrators that risky actions wait for")
    witnesses = WitnessOut(many=True)


class KnownIn(serializers.Serializer[Any]):
    """What the person knows of the damage."""

    why = serializers.CharField(max_length=2000)
    seen = serializers.CharField(
        max_length=64, required=False, help_text="the digest of the damage that was looked at"
    )


class OneOfMany(serializers.CharField):
    """A value that a list must hold."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the value as a list of one."""
        return [super().run_validation(data)]


MOST_SEQ = 2**62
FILTERS: Filters = {
    "kind": ("kind", serializers.CharField(max_length=40)),
    "subject": ("subject", serializers.CharField(max_length=200)),
    "ticket": ("ticket_ref", serializers.CharField(max_length=40)),
    "persona": ("persona", serializers.CharField(max_length=60)),
    "run": ("run", serializers.CharField(max_length=60)),
    "ci": ("cis__contains", OneOfMany(max_length=200)),
    "since": ("at__gte", serializers.DateTimeField()),
    "until": ("at__lt", serializers.DateTimeField()),
    "after": ("seq__gt", serializers.IntegerField(min_value=0, max_value=MOST_SEQ)),
    "before": ("seq__lt", serializers.IntegerField(min_value=0, max_value=MOST_SEQ)),
}
"""By indexed columns, and by what the bytes name (indexed as well)."""


def as_file(content: dict[str, Any], name: str) -> Response:
    """Return JSON that a browser saves."""
    return Response(content, headers={"Content-Disposition": f'attachment; filename="{name}"'})


class Entries(Shelf[Entry]):
    """Entries, newest first."""

    pagination_class = Cursor
    lookup_field = "seq"
    lookup_value_regex = "[0-9]{1,18}"
    filters: ClassVar = FILTERS

    def get_queryset(self) -> QuerySet[Entry]:
        """Return entries; one of them comes with its bytes."""
        return ledger.entries().defer(None) if self.action == "retrieve" else ledger.entries()

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Entry]]:
        """Bytes and proof only for one entry."""
        return EntryWithProof if self.action == "retrieve" else EntryOut

    @extend_schema(responses=ProofOut)
    @action(detail=True, methods=["get"])
    def proof(self, request: Request, seq: str) -> Response:
        """Return the way from the entry to the root of a signed head; 409 while none covers it."""
        del request
        found = ledger.entry(int(seq))
        if found is None:
            raise Http404(f"There is no entry {seq}.")
        return Response(ProofOut(ledger_proofs.proven(found)).data)

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    @action(detail=True, methods=["get"])
    def bundle(self, request: Request, seq: str) -> Response:
        """Return the entry with its proof as a file for `verify.py`."""
        del request
        return as_file(bundles.of_entry(int(seq)), f"entry-{seq}.json")

    @extend_schema(responses={(200, "text/plain"): str})
    @action(detail=True, methods=["get"], url_path="tlog-proof")
    def tlog_proof(self, request: Request, seq: str) -> HttpResponse:
        """Return the entry with its proof as C2SP's tlog-proof."""
        del request
        return HttpResponse(
            proofs.tlog_proof(int(seq)),
            content_type="text/plain; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="entry-{seq}.tlog-proof"'},
        )


class LedgerState(APIView):
    """How the ledger stands."""

    permission_classes = (AtTheDesk,)

    @extend_schema(responses=StandingOut)
    def get(self, request: Request) -> Response:
        """Return its end, what waits, the last check, the newest head, and the witnesses."""
        del request
        return Response(StandingOut(ledger_state.standing()).data)


class Acknowledge(APIView):
    """Lets risky work go on over a ledger that does not verify."""

    permission_classes = (AtTheDesk,)

    @extend_schema(request=KnownIn, responses=StandingOut)
    def post(self, request: Request) -> Response:
        """Record that the person who asks knows of the damage; 404 where there is none."""
        if not request.user.has_perm(acts.MAY_ACKNOWLEDGE):
            raise exceptions.PermissionDenied("You may not acknowledge; ask somebody who may.")
        form = KnownIn(data=request.data)
        form.is_valid(raise_exception=True)
        if acts.is_other_damage(form.validated_data.get("seen", "")):
            raise exceptions.ValidationError({"seen": ["Something else was found since."]})
        said = {"by": request.user.get_username(), "why": form.validated_data["why"]}
        if not acts.acknowledge(**said):
            raise Http404("There is no damage to acknowledge.")
        return Response(StandingOut(ledger_state.standing()).data)
