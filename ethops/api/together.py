"""How people work together on a ticket: files, watchers, questions, major incidents."""

from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from adapters import registry
from adapters.tickets import questions
from adapters.tickets.beside import Attachment, File
from ethops.api import acts
from ethops.world import review

SAFE_TO_SHOW: Final = frozenset({"image/png", "image/jpeg", "image/gif", "text/plain"})
"""Types that a browser is told; any other file is of the type of anything."""


class AttachmentOut(serializers.Serializer[Any]):
    """A file kept with a ticket; `n` is the line of the worklog that says so."""

    n = serializers.IntegerField()
    name = serializers.CharField()
    media_type = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField()
    by = serializers.CharField()
    visibility = serializers.CharField()
    at = serializers.DateTimeField()


class NewFileIn(serializers.Serializer[Any]):
    """A file to be kept."""

    file = serializers.FileField(max_length=200)
    visibility = serializers.ChoiceField(choices=("public", "private"), default="public")
    key = serializers.UUIDField(required=False)


class QuestionOut(serializers.Serializer[Any]):
    """What an agent asks of people; `answer` is one of the words in `answers`."""

    n = serializers.IntegerField()
    name = serializers.CharField()
    text = serializers.CharField()
    answers = serializers.ListField(child=serializers.CharField())
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    answer = serializers.CharField()
    answered_by = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)
    is_open = serializers.BooleanField()


class WordIn(serializers.Serializer[Any]):
    """One of the words that answer it."""

    word = serializers.CharField(max_length=20)
    key = serializers.UUIDField(required=False)


class WatcherOut(serializers.Serializer[Any]):
    """Who is told of what happens to a ticket."""

    person = serializers.CharField()
    address = serializers.CharField()
    why = serializers.CharField()


class WatchIn(serializers.Serializer[Any]):
    """A login, or an address of mail; you where it is left out."""

    who = serializers.CharField(max_length=254, required=False, default="", allow_blank=True)
    key = serializers.UUIDField(required=False)


class MajorIn(serializers.Serializer[Any]):
    """What is to be done: declare needs a reason; who leads is you where nobody is named."""

    act = serializers.ChoiceField(choices=("declare", "lead", "end"))
    why = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    lead = serializers.CharField(max_length=150, required=False, default="", allow_blank=True)
    key = serializers.UUIDField(required=False)


class AdoptIn(serializers.Serializer[Any]):
    """The incident that this one is a part of."""

    part_of = serializers.CharField(max_length=16)
    key = serializers.UUIDField(required=False)


class TogetherOut(serializers.Serializer[Any]):
    """The deed, as every act on a ticket answers."""

    ref = serializers.CharField()
    outcome = serializers.CharField()
    state = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    repeated = serializers.BooleanField()


class HappenedOut(serializers.Serializer[Any]):
    """One thing that happened, in a sentence."""

    at = serializers.DateTimeField()
    ref = serializers.CharField()
    what = serializers.CharField()


class ReviewOut(serializers.Serializer[Any]):
    """The review of a major incident, reckoned from the record, and as a document."""

    facts = serializers.DictField(child=serializers.CharField())
    children = serializers.ListField(child=serializers.CharField())
    timeline = HappenedOut(many=True)
    markdown = serializers.CharField()


class Together:
    """What is added to tickets."""

    @extend_schema(methods=["get"], responses=AttachmentOut(many=True))
    @extend_schema(
        methods=["post"],
        request={"multipart/form-data": NewFileIn},
        responses={201: TogetherOut},
    )
    @action(
        detail=True,
        methods=["get", "post"],
        parser_classes=[MultiPartParser],
        pagination_class=None,
        filter_backends=[],
    )
    def attachments(self, request: Request, ref: str) -> Response:
        """List the files kept with the ticket, or keep one."""
        if request.method == "GET":
            found = registry.reader("tickets").attachments(ref)
            return Response(AttachmentOut(found, many=True).data)
        said = _read(NewFileIn, request)
        sent = said["file"]
        file = File(sent.name or "", sent.content_type or "", sent.read())
        return _done(
            acts.attach(
                ref=ref,
                file=file,
                person=request.user.get_username(),
                visibility=said["visibility"],
                key=said.get("key") or uuid4(),
            ),
            status=201,
        )

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"], url_path="attachments/(?P<n>[0-9]{1,9})")
    def attachment(self, request: Request, ref: str, n: str) -> HttpResponse:
        """Return what is in a file, to be saved."""
        del request
        return as_download(ref, int(n))

    @extend_schema(responses=QuestionOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def questions(self, request: Request, ref: str) -> Response:
        """List what agents have asked people about the ticket."""
        del request
        return Response(QuestionOut(questions.of_ticket(ref), many=True).data)

    @extend_schema(request=WordIn, responses=TogetherOut)
    @action(detail=True, methods=["post"], url_path="questions/(?P<n>[0-9]{1,2})/answer")
    def answer(self, request: Request, ref: str, n: str) -> Response:
        """Answer a question with one of its words; the agents go on with it."""
        said = _read(WordIn, request)
        return _done(
            acts.answer(
                ref=ref,
                n=int(n),
                word=said["word"],
                person=request.user.get_username(),
                key=said.get("key") or uuid4(),
            )
        )

    @extend_schema(methods=["get"], responses=WatcherOut(many=True))
    @extend_schema(methods=["post"], request=WatchIn, responses=TogetherOut)
    @action(detail=True, methods=["get", "post"], pagination_class=None, filter_backends=[])
    def watchers(self, request: Request, ref: str) -> Response:
        """List who watches the ticket, or add somebody."""
        if request.method == "GET":
            found = registry.reader("tickets").watchers(ref)
            return Response(WatcherOut(found, many=True).data)
        return self._watched(request, ref, acts.watch)

    @extend_schema(request=WatchIn, responses=TogetherOut)
    @action(detail=True, methods=["post"], url_path="watchers/remove")
    def unwatch(self, request: Request, ref: str) -> Response:
        """Have somebody told no more."""
        return self._watched(request, ref, acts.unwatch)

    def _watched(self, request: Request, ref: str, act: Callable[..., Any]) -> Response:
        said = _read(WatchIn, request)
        person = request.user.get_username()
        key = said.get("key") or uuid4()
        return _done(act(ref=ref, who=said["who"] or person, person=person, key=key))

    @extend_schema(request=MajorIn, responses=TogetherOut)
    @action(detail=True, methods=["post"])
    def major(self, request: Request, ref: str) -> Response:
        """Declare the incident a major one, have somebody lead it, or end it."""
        said = _read(MajorIn, request)
        person, key = request.user.get_username(), said.get("key") or uuid4()
        if said["act"] == "declare":
            return _done(
                acts.declare_major(
                    ref=ref, person=person, why=said["why"], lead=said["lead"], key=key
                )
            )
        if said["act"] == "lead":
            return _done(acts.lead_major(ref=ref, person=person, lead=said["lead"], key=key))
        return _done(acts.end_major(ref=ref, person=person, key=key))

    @extend_schema(request=AdoptIn, responses=TogetherOut)
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, ref: str) -> Response:
        """Say that the incident is a part of another."""
        said = _read(AdoptIn, request)
        return _done(
            acts.adopt(
                ref=ref,
                parent=said["part_of"],
                person=request.user.get_username(),
                key=said.get("key") or uuid4(),
            )
        )

    @extend_schema(responses=ReviewOut)
    @action(detail=True, methods=["get"])
    def review(self, request: Request, ref: str) -> Response:
        """Return the review of a major incident, as it stands now."""
        del request
        found = review.review(ref, timezone.now())
        if found is None:
            raise Http404(f"{ref} never was a major incident.")
        return Response(
            {
                "facts": dict(found.facts),
                "children": [child.ref for child in found.children],
                "timeline": [
                    {"at": one.told.at, "ref": one.ref, "what": review.sentence(one.told)}
                    for one in found.timeline
                ],
                "markdown": "\n".join(review.markdown(found)) + "\n",
            }
        )


def as_download(ref: str, n: int) -> HttpResponse:
    """Return a file so that a browser saves it and runs nothing of it.

    Raises:
        TicketNotFoundError: the ticket has no such file.
    """
    content = registry.reader("tickets").content(ref, n)
    found = next(one for one in registry.reader("tickets").attachments(ref) if one.n == n)
    answer = HttpResponse(content, content_type=_type(found))
    answer.headers["Content-Disposition"] = f'attachment; filename="{_ascii(found.name)}"'
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _type(of: Attachment) -> str:
    return of.media_type if of.media_type in SAFE_TO_SHOW else "application/octet-stream"


def _ascii(name: str) -> str:
    """Return a name that no header is broken by."""
    kept = "".join(sign if sign.isascii() and sign not in '"\\;' else "_" for sign in name)
    return kept or "file"


def _done(deed: Any, status: int = 200) -> Response:
    return Response(TogetherOut(deed).data, status=status)


def _read(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    form = kind(data=request.data)
    form.is_valid(raise_exception=True)
    said: dict[str, Any] = dict(form.validated_data)
    return said
