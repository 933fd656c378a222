"""iTop at the door: how it is followed, and its callbacks, which are kept and not believed."""

import logging
from dataclasses import asdict
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from adapters import registry
from adapters.tickets.itop.blueprint import HEADER
from ethops import conf
from ethops.api import problems
from ethops.api.reading import AtTheDesk
from ethops.desk import callbacks

log = logging.getLogger(__name__)

LARGEST: Final = 256 * 1024
"""Bytes of one callback; what we have iTop send is some hundred."""


class HealthOut(serializers.Serializer[Any]):
    """How the desk of tickets that others write to stands, and how we follow it."""

    system = serializers.CharField()
    state = serializers.ChoiceField(choices=("well", "late", "away", "new", "own"))
    said = serializers.CharField()
    polled_at = serializers.DateTimeField(allow_null=True)
    swept_at = serializers.DateTimeField(allow_null=True)
    faulty_since = serializers.DateTimeField(allow_null=True)
    waiting = serializers.IntegerField()
    refused = serializers.IntegerField()
    untold = serializers.IntegerField()
    mirrored = serializers.IntegerField()
    missing = serializers.IntegerField()
    left_out = serializers.IntegerField()
    cron = serializers.ChoiceField(choices=("alive", "stale", "unknown"))
    cron_at = serializers.DateTimeField(allow_null=True)
    cron_said = serializers.CharField(allow_blank=True)
    callbacks = serializers.IntegerField()
    unreadable = serializers.IntegerField()
    called_at = serializers.DateTimeField(allow_null=True)


class ItopHealth(APIView):
    """How the iTop that holds the tickets stands; `own` where they are our own."""

    permission_classes = (AtTheDesk,)

    @extend_schema(responses=HealthOut)
    def get(self, request: Request) -> Response:
        """Return it, from our rows: iTop itself is not asked."""
        del request
        return Response(HealthOut(asdict(registry.follower().health())).data)


class CallbackOut(serializers.Serializer[Any]):
    """Under which number it is kept, and whether the same bytes came before."""

    callback = serializers.IntegerField()
    repeated = serializers.BooleanField()


class Callback(APIView):
    """Takes what iTop calls us with; who calls proves himself by the header X-Ethops-Secret."""

    authentication_classes = ()
    # The secret is no login: it lets in nowhere else.
    permission_classes = (AllowAny,)

    @extend_schema(
        request={"application/json": {"type": "object"}},
        responses={202: CallbackOut, 401: None, 403: None, 413: None, 503: None},
    )
    def post(self, request: Request) -> HttpResponse:
        """Keep the bytes and answer; they are looked at later, and only as a hint what to read."""
        if conf.house().https_only and not request.is_secure():
            # A redirect would be followed without the body.
            return problems.answer(
                403, "itop.plain", "Call by https: the secret went in the clear."
            )
        if _says(request) > LARGEST:
            return _too_large()
        if not callbacks.is_known(request.headers.get(HEADER, "")):
            return problems.answer(
                401, "itop.unknown_caller", f"Send a secret of ours as {HEADER}."
            )
        raw = bytes(request._request.read(LARGEST + 1))  # noqa: SLF001 - unparsed, as DRF has it
        if len(raw) > LARGEST:
            return _too_large()
        try:
            number, repeated = callbacks.accept(raw)
        except (OperationalError, InterfaceError) as fault:
            log.warning("a callback could not be stored: %s", fault)
            return problems.database_away()
        return Response(CallbackOut({"callback": number, "repeated": repeated}).data, status=202)


def _says(request: Request) -> int:
    said = request.headers.get("Content-Length", "")
    return int(said) if said.isascii() and said.isdigit() else 0


def _too_large() -> HttpResponse:
    return problems.answer(413, "itop.too_large", f"More than {LARGEST} bytes in one callback.")
