"""Webhooks: size, then sender, then the raw bytes are stored, then 202; nothing is parsed here."""

import logging
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ethops.api import problems
from ethops.desk import intake, senders
from ethops.desk.errors import RejectedError

log = logging.getLogger(__name__)

LIMIT: Final = 4 * 1024 * 1024
"""Bytes of one delivery; 500 alerts of one group make about 220,000."""


@csrf_exempt
def alertmanager(request: HttpRequest) -> HttpResponse:
    """Store one delivery of Alertmanager and answer 202; a 4xx names what is wrong with it."""
    if request.method != "POST":
        refusal = problems.answer(
            405, "request.method_not_allowed", "Deliver with POST; do not follow redirects."
        )
        refusal.headers["Allow"] = "POST"
        return refusal
    raw = _body(request)
    if raw is None:
        return problems.answer(413, "desk.too_large", f"More than {LIMIT} bytes in one delivery.")
    try:
        sender = senders.authenticate(_token(request))
        if sender is None:
            return _unknown_sender()
        accepted = intake.accept(
            sender=sender, raw=raw, content_type=request.headers.get("Content-Type", "")
        )
    except RejectedError as refused:
        return problems.answer(
            refused.status, refused.code, refused.reason, delivery=refused.delivery_id
        )
    except (OperationalError, InterfaceError) as fault:
        log.warning("a delivery could not be stored: %s", fault)
        return problems.database_away()
    return JsonResponse(
        {"delivery": accepted.delivery_id, "repeated": accepted.repeated}, status=202
    )


def _body(request: HttpRequest) -> bytes | None:
    said = request.headers.get("Content-Length", "")
    if said.isdigit() and int(said) > LIMIT:
        return None
    raw = request.read(LIMIT + 1)
    return None if len(raw) > LIMIT else bytes(raw)


def _token(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unknown_sender() -> HttpResponse:
    refusal = problems.answer(
        401, "desk.unknown_sender", "Send the bearer token of a known sender."
    )
    refusal.headers["WWW-Authenticate"] = 'Bearer realm="ethops"'
    return refusal
