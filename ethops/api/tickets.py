"""Tickets: list, one with its worklog and story, and what a person may do with one."""

from dataclasses import asdict
from typing import Any, ClassVar, cast
from uuid import uuid4

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from adapters.registry import reader
from adapters.tickets import form_fields, states
from adapters.tickets.models import CLASSES, LINK_KINDS, Ticket
from adapters.tickets.port import TicketFields
from audit.ledger import bundles
from ethops.api import acts
from ethops.api.ledger import as_file
from ethops.api.reading import Shelf
from ethops.api.ticket_fields import RawField
from ethops.api.together import Together
from ethops.sla import queries, words
from ethops.sla.standing import Standing
from ethops.world import story, tickets

MOVED = sorted(
    {
        name
        for table in states.MOVES.values()
        for row in table.values()
        for move in row.values()
        for name in (*move.needs, *move.takes)
    }
)
"""Every field that a move may set."""


class LogLineOut(serializers.Serializer[Any]):
    """One line of a worklog."""

    n = serializers.IntegerField()
    at = serializers.DateTimeField()
    author = serializers.CharField()
    author_kind = serializers.CharField()
    visibility = serializers.CharField()
    text = serializers.CharField()
    action = serializers.UUIDField(source="action_id", allow_null=True)
    tainted = serializers.BooleanField()


class ToldOut(serializers.Serializer[Any]):
    """One thing that happened to a ticket; `seq` is its ledger entry."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    who = serializers.CharField()
    what = serializers.CharField()
    detail = serializers.CharField()
    said = serializers.CharField()
    tainted = serializers.BooleanField()
    seq = serializers.IntegerField(allow_null=True)
    routine = serializers.BooleanField()
    repeats = serializers.IntegerField()
    run = serializers.CharField()
    action = serializers.CharField()


class ClockOut(serializers.Serializer[Any]):
    """One promise: `state` is running, paused, late (over it and open), met or missed."""

    kind = serializers.ChoiceField(choices=("tto", "ttr"))
    state = serializers.ChoiceField(
        choices=("running", "paused", "late", "met", "missed"), source="word"
    )
    target_s = serializers.IntegerField()
    used_s = serializers.IntegerField()
    left_s = serializers.IntegerField(help_text="negative where it is over")
    due_at = serializers.DateTimeField(
        allow_null=True, help_text="null while paused, and where it was met"
    )
    calendar = serializers.CharField()
    outside = serializers.BooleanField(help_text="an outside desk says when it is due")
    said = serializers.SerializerMethodField()

    def get_said(self, of: Standing) -> str:
        """Return it in words."""
        return words.said(of, timezone.now())


class TicketOut(serializers.Serializer[Any]):
    """A ticket as it stands."""

    ref = serializers.CharField()
    ticket_class = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    state = serializers.CharField()
    priority = serializers.CharField()
    impact = serializers.IntegerField()
    urgency = serializers.IntegerField()
    team = serializers.CharField()
    assignee = serializers.CharField()
    parent_ref = serializers.CharField(source="parent_id", allow_null=True)
    solution = serializers.CharField()
    requester = serializers.CharField()
    service = serializers.CharField()
    pending_reason = serializers.CharField()
    reopens = serializers.IntegerField()
    repeats = serializers.IntegerField()
    cis = serializers.SerializerMethodField()
    sla = serializers.SerializerMethodField()
    opened_at = serializers.DateTimeField()
    first_bad_at = serializers.DateTimeField(allow_null=True)
    detected_at = serializers.DateTimeField(allow_null=True)
    assigned_at = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField()

    def get_cis(self, of: Ticket) -> list[str]:
        """Return the refs of the CIs it names."""
        return [one.ci_ref for one in of.cis.all()]

    @extend_schema_field(ClockOut(many=True))
    def get_sla(self, of: Ticket) -> list[dict[str, Any]]:
        """Return what was promised about time, and how that stands; empty where nothing was."""
        found = self.context.get("clocks", {}).get(of.ref, [])
        return [dict(one) for one in ClockOut(found, many=True).data]


class RequestStepOut(serializers.Serializer[Any]):
    """One step of fulfilling a request."""

    n = serializers.IntegerField()
    title = serializers.CharField()
    done_by = serializers.CharField()
    done_at = serializers.DateTimeField(allow_null=True)


class DetailsOut(serializers.Serializer[Any]):
    """What only a ticket of its class has; of another class's fields there is none."""

    known_error = serializers.BooleanField(required=False)
    workaround = serializers.CharField(required=False)
    root_cause = serializers.CharField(required=False)
    change_type = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)
    planned_start = serializers.DateTimeField(required=False, allow_null=True)
    planned_end = serializers.DateTimeField(required=False, allow_null=True)
    implementer = serializers.CharField(required=False)
    backout = serializers.CharField(required=False)
    outcome = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    answers = serializers.DictField(required=False)
    approver_role = serializers.CharField(required=False)
    decided_by = serializers.CharField(required=False)
    decision = serializers.CharField(required=False)
    steps = RequestStepOut(many=True, required=False)


class TicketLinkOut(serializers.Serializer[Any]):
    """How one ticket hangs together with another."""

    ref = serializers.CharField()
    kind = serializers.CharField()
    other = serializers.CharField()


class OfferedOut(serializers.Serializer[Any]):
    """A move that you may make now."""

    stimulus = serializers.CharField()
    to = serializers.CharField()
    needs = serializers.ListField(child=serializers.CharField())
    takes = serializers.ListField(child=serializers.CharField())


class DossierOut(TicketOut):
    """A ticket with its worklog, its story and its proof."""

    worklog = LogLineOut(many=True)
    timeline = ToldOut(many=True)
    changes = serializers.ListField(child=serializers.CharField())
    entries = serializers.ListField(child=serializers.IntegerField())
    entries_waiting = serializers.IntegerField()
    stimuli = serializers.ListField(child=serializers.CharField())
    moves = OfferedOut(many=True)
    details = DetailsOut(allow_null=True)
    links = TicketLinkOut(many=True)


class CommentIn(serializers.Serializer[Any]):
    """A note of a person; `key` makes a repeat of the same request harmless."""

    text = serializers.CharField(max_length=4000)
    visibility = serializers.ChoiceField(choices=("public", "private"), default="public")
    key = serializers.UUIDField(required=False)


class MoveIn(serializers.Serializer[Any]):
    """A move by a person, and the fields it sets; each move takes its own."""

    stimulus = serializers.ChoiceField(choices=states.all_stimuli())
    note = serializers.CharField(max_length=4000, required=False, default="", allow_blank=True)
    key = serializers.UUIDField(required=False)
    code = serializers.RegexField(
        r"^([0-9]{6})?$",
        required=False,
        default="",
        allow_blank=True,
        help_text="of your second factor, where you approve",
    )

    def get_fields(self) -> dict[str, Any]:
        """Add every field that a move may set, read where the move is made."""
        moved = {name: RawField.of(form_fields.FIELDS[name]) for name in MOVED}
        return {**super().get_fields(), **moved}


class FileIn(serializers.Serializer[Any]):
    """A new ticket; what is asked of each class stands in docs/reference/tickets.md."""

    ticket_class = serializers.ChoiceField(choices=CLASSES)
    model = serializers.CharField(max_length=64, required=False, help_text="of a request")
    answers = serializers.DictField(required=False, help_text="of a request, by field")
    key = serializers.UUIDField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """Add every field that a new ticket may have, read where it is opened."""
        names = dict.fromkeys(name for asked in form_fields.FILED.values() for name in asked)
        asked = {name: RawField.of(form_fields.FIELDS[name]) for name in names}
        return {**super().get_fields(), **asked}


class LinkIn(serializers.Serializer[Any]):
    """How this ticket hangs together with another."""

    kind = serializers.ChoiceField(choices=LINK_KINDS)
    other = serializers.CharField(max_length=16)
    key = serializers.UUIDField(required=False)


class DoneIn(serializers.Serializer[Any]):
    """What is to be said of a step that is done; may be left out."""

    note = serializers.CharField(max_length=4000, required=False, default="", allow_blank=True)
    key = serializers.UUIDField(required=False)


class TakeIn(serializers.Serializer[Any]):
    """Why a person takes a ticket, and from whom; both may be left out."""

    why = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    instead_of = serializers.CharField(
        max_length=150, required=False, default="", allow_blank=True,
        help_text="who has it; whoever else has it meanwhile keeps it",
    )  # fmt: skip
    key = serializers.UUIDField(required=False)


class DeedOut(serializers.Serializer[Any]):
    """What was done, and whether an earlier request with this key had done it already."""

    ref = serializers.CharField()
    outcome = serializers.CharField()
    state = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    repeated = serializers.BooleanField()


class Tickets(Together, Shelf[Ticket]):
    """Tickets of this site."""

    serializer_class = TicketOut
    lookup_field = "ref"
    lookup_value_regex = "[A-Z]{2,8}-[0-9]{1,12}"
    filters: ClassVar = {
        "state": ("state", serializers.ChoiceField(choices=states.all_states())),
        "priority": ("priority", serializers.ChoiceField(choices=("P1", "P2", "P3", "P4"))),
        "ticket_class": ("ticket_class", serializers.ChoiceField(choices=CLASSES)),
        "team": ("team", serializers.CharField(max_length=64)),
        "assignee": ("assignee", serializers.CharField(max_length=150)),
        "requester": ("requester", serializers.CharField(max_length=150)),
        "service": ("service", serializers.CharField(max_length=64)),
        "ci": ("cis__ci_ref", serializers.CharField(max_length=64)),
        "parent_ref": ("parent_id", serializers.CharField(max_length=16)),
        "opened_after": ("opened_at__gt", serializers.DateTimeField()),
    }

    def get_queryset(self) -> QuerySet[Ticket]:
        """Return all tickets, newest first."""
        return tickets.tickets()

    def paginate_queryset(self, queryset: Any) -> Any:
        """Bring the clocks of the page's tickets along."""
        page = super().paginate_queryset(queryset)
        self.clocks = queries.of_tickets([one.ref for one in page or ()])
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        """Hand them to each ticket."""
        return {**super().get_serializer_context(), "clocks": getattr(self, "clocks", {})}

    @extend_schema(responses=DossierOut)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one ticket with worklog and timeline."""
        del args
        found = tickets.dossier(kwargs["ref"])
        if found is None:
            raise Http404(f"There is no ticket {kwargs['ref']}.")
        ref = found.ticket.ref
        body = TicketOut(found.ticket, context={"clocks": queries.of_tickets([ref])}).data
        return Response(
            {
                **body,
                "worklog": LogLineOut(found.lines, many=True).data,
                "timeline": ToldOut(story.story(found), many=True).data,
                "changes": [change.ref for change in found.changes],
                "entries": [entry.seq for entry in found.entries],
                "entries_waiting": found.waiting,
                **_of_its_class(found.ticket, request.user.get_username()),
            }
        )

    @extend_schema(request=FileIn, responses={201: DeedOut})
    def create(self, request: Request) -> Response:
        """Open a ticket in your name."""
        said = _read(FileIn, request)
        key, person = said.pop("key", None) or uuid4(), request.user.get_username()
        ticket_class = said.pop("ticket_class")
        if ticket_class == "request":
            deed = acts.file_request(
                person=person,
                model=said.get("model", ""),
                answers=said.get("answers", {}),
                requester=said.get("requester"),
                key=key,
            )
        else:
            deed = acts.file_ticket(person=person, ticket_class=ticket_class, said=said, key=key)
        return Response(DeedOut(deed).data, status=201)

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    @action(detail=True, methods=["get"])
    def proof(self, request: Request, ref: str) -> Response:
        """Return every entry that the ticket caused, with its proof, as a file for `verify.py`."""
        del request
        return as_file(bundles.of_ticket(ref), f"{ref}.json")

    @extend_schema(request=CommentIn, responses={201: DeedOut})
    @action(detail=True, methods=["post"])
    def comment(self, request: Request, ref: str) -> Response:
        """Add a note."""
        said = _read(CommentIn, request)
        deed = acts.comment(
            ref=ref,
            person=request.user.get_username(),
            text=said["text"],
            visibility=said["visibility"],
            key=said.get("key") or uuid4(),
        )
        return Response(DeedOut(deed).data, status=201)

    @extend_schema(request=TakeIn, responses=DeedOut)
    @action(detail=True, methods=["post"], url_path="assign-to-me")
    def assign_to_me(self, request: Request, ref: str) -> Response:
        """Take the ticket, of several who do the first: its runs end and its permits are void."""
        said = _read(TakeIn, request)
        deed = acts.take(
            ref=ref,
            person=request.user.get_username(),
            why=said["why"],
            key=said.get("key") or uuid4(),
            instead_of=said["instead_of"],
        ).deed
        if deed is None:
            # Who has it already has done nothing now.
            state = self.get_object().state
            had = {"outcome": "held", "state": state, "line": None, "repeated": True}
            return Response(DeedOut({"ref": ref, **had}).data)
        return Response(DeedOut(deed).data)

    @extend_schema(request=MoveIn, responses=DeedOut)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, ref: str) -> Response:
        """Move the ticket by a stimulus."""
        said = _read(MoveIn, request)
        deed = acts.move(
            ref=ref,
            person=request.user.get_username(),
            stimulus=said.pop("stimulus"),
            note=said.pop("note"),
            key=said.pop("key", None) or uuid4(),
            code=said.pop("code"),
            fields=cast("TicketFields", said),
        )
        return Response(DeedOut(deed).data)

    @extend_schema(request=LinkIn, responses=DeedOut)
    @action(detail=True, methods=["post"])
    def link(self, request: Request, ref: str) -> Response:
        """Say how the ticket hangs together with another."""
        said = _read(LinkIn, request)
        deed = acts.link(
            ref=ref,
            kind=said["kind"],
            other=said["other"],
            person=request.user.get_username(),
            key=said.get("key") or uuid4(),
        )
        return Response(DeedOut(deed).data)

    @extend_schema(request=DoneIn, responses=DeedOut)
    @action(detail=True, methods=["post"], url_path="steps/(?P<n>[0-9]{1,4})/done")
    def step_done(self, request: Request, ref: str, n: str) -> Response:
        """Say that a step of the request is done."""
        said = _read(DoneIn, request)
        deed = acts.finish_step(
            ref=ref,
            n=int(n),
            person=request.user.get_username(),
            note=said["note"],
            key=said.get("key") or uuid4(),
        )
        return Response(DeedOut(deed).data)


def _of_its_class(of: Ticket, person: str) -> dict[str, Any]:
    """Return what only its class has, its links, and what this person may do now."""
    offered = tickets.offered(of, person, acts.vouched(person))
    details = reader("tickets").details(of.ref)
    return {
        "stimuli": list(offered),
        "moves": [{"stimulus": name, **asdict(move)} for name, move in offered.items()],
        "details": None if details is None else DetailsOut(asdict(details)).data,
        "links": TicketLinkOut(reader("tickets").links(of.ref), many=True).data,
    }


def _read(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    form = kind(data=request.data)
    form.is_valid(raise_exception=True)
    said: dict[str, Any] = dict(form.validated_data)
    return said
