"""The ledger: entries, one with its bytes and its own proof, and how the whole stands."""

import base64
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.models import Entry
from ethops.api.reading import AtTheDesk, Cursor, Filters, Shelf
from ethops.world import ledger, ledger_state


class EntryOut(serializers.Serializer[Any]):
    """One entry; its bytes come with the single entry only."""

    seq = serializers.IntegerField()
    kind = serializers.CharField()
    subject = serializers.CharField()
    ticket = serializers.CharField(source="ticket_ref")
    at = serializers.DateTimeField()
    hash = serializers.SerializerMethodField()
    prev = serializers.SerializerMethodField()

    def get_hash(self, of: Entry) -> str:
        """Return the hash in hex."""
        return bytes(of.hash).hex()

    def get_prev(self, of: Entry) -> str:
        """Return the hash it follows, in hex."""
        return bytes(of.prev).hex()


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


class StandingOut(serializers.Serializer[Any]):
    """How the ledger stands; `whole` is null until it was checked once."""

    seq = serializers.IntegerField()
    waiting = serializers.IntegerField()
    whole = serializers.BooleanField(allow_null=True)
    checked_to = serializers.IntegerField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    finding = serializers.CharField()


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


class LedgerState(APIView):
    """How the ledger stands."""

    permission_classes = (AtTheDesk,)

    @extend_schema(responses=StandingOut)
    def get(self, request: Request) -> Response:
        """Return its end, what waits to be written, and the last check."""
        del request
        now = ledger_state.standing()
        checked = now.checked
        return Response(
            StandingOut(
                {
                    "seq": now.seq,
                    "waiting": now.waiting,
                    "whole": None if checked is None else checked.whole,
                    "checked_to": None if checked is None else checked.to_seq,
                    "checked_at": None if checked is None else checked.at,
                    "finding": "" if checked is None else checked.finding,
                }
            ).data
        )
