"""Every refusal as problem+json (RFC 9457): one table from stable codes to statuses."""

import json
import logging
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import DataError, Error, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 2

STATUS_OF: Final[Mapping[str, int]] = {
    "tickets.not_found": 404,
    "tickets.move_refused": 409,
    "tickets.cause_taken": 409,
    "tickets.held": 409,
    "tickets.too_late": 409,
    "tickets.steps_open": 409,
    "tickets.recurrence_unknown": 409,
    "tickets.came_back": 409,
    "tickets.not_allowed": 403,
    "tickets.not_independent": 403,
    "tickets.unknown_model": 404,
    "tickets.key_reused": 409,
    "tickets.field_missing": 422,
    "tickets.draft_refused": 422,
    "tickets.file_refused": 422,
    "tickets.no_counterpart": 409,
    "tickets.question_over": 409,
    "cmdb.not_found": 404,
    "desk.window_refused": 422,
    "runs.not_found": 404,
    "runs.control_refused": 409,
    "gpu.job_over": 409,
    "autonomy.refused": 409,
    "agentops.unknown_role": 404,
    "agentops.busy": 409,
    "agentops.isolated": 409,
    "agentops.unapproved": 409,
    "cards.not_found": 404,
    "cards.no_reason": 422,
    "cards.other_loaded": 409,
    "agentops.unknown_scope": 422,
    "agentops.command_refused": 422,
    "agentops.unknown_flag": 422,
    "agentops.unknown_environment": 422,
    "agentops.other_environment": 422,
    "agentops.key_reused": 409,
    "agentops.over": 409,
    "agentops.full": 429,
    "ledger.no_proof": 409,
    "ledger.bad_note": 409,
    "approvals.not_found": 404,
    "approvals.forbidden": 403,
    "approvals.not_independent": 403,
    "approvals.no_factor": 403,
    "approvals.wrong_code": 403,
    "approvals.unfit_ci": 422,
    "approvals.unfit_word": 422,
    "approvals.locked": 429,
    "approvals.over": 409,
    "approvals.stopped": 409,
    "approvals.changed": 409,
    "approvals.healed": 409,
    "approvals.unseen": 409,
    "approvals.guard": 409,
    "approvals.not_shown": 409,
    "approvals.too_early": 409,
    "forge.not_found": 404,
    "forge.not_a_person": 403,
    "forge.own_pull": 403,
    "forge.head_moved": 409,
    "forge.not_open": 409,
    "forge.objected": 409,
    "forge.not_approved": 409,
    "forge.no_reason": 400,
    "forge.unavailable": 503,
}
"""Code of a room's error -> HTTP status; a code that is not here is a fault of ours."""

REQUEST_CODES: Final[Mapping[type[Exception], str]] = {
    exceptions.ValidationError: "request.invalid",
    exceptions.ParseError: "request.not_json",
    exceptions.AuthenticationFailed: "request.bad_credentials",
    exceptions.NotAuthenticated: "request.no_credentials",
    exceptions.PermissionDenied: "request.forbidden",
    exceptions.NotFound: "request.not_found",
    exceptions.MethodNotAllowed: "request.method_not_allowed",
    exceptions.NotAcceptable: "request.not_acceptable",
    exceptions.UnsupportedMediaType: "request.wrong_type",
    exceptions.Throttled: "request.too_many",
}


def document(status: int, code: str, detail: str, **more: object) -> dict[str, Any]:
    """Return the members of a problem; `code` is stable, `detail` is for people."""
    title = HTTPStatus(status).phrase
    return {
        "type": f"urn:ethops:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **{name: value for name, value in more.items() if value not in (None, "")},
    }


def answer(status: int, code: str, detail: str, **more: object) -> HttpResponse:
    """Return a problem as a plain Django response."""
    made = HttpResponse(
        json.dumps(document(status, code, detail, **more)), status=status, content_type=CONTENT_TYPE
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        made.headers["Retry-After"] = str(RETRY_SECONDS)
    return made


def database_away() -> HttpResponse:
    """Return what is said while PostgreSQL does not answer."""
    return answer(
        503, "database.away", "PostgreSQL does not answer; nothing was stored. Send it again."
    )


def handler(fault: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what an API view raised into a problem; None lets an unknown fault become a 500."""
    del context
    made = _problem(fault)
    if made is None:
        return None
    set_rollback()
    body, headers = made
    response = Response(body, status=body["status"], headers=headers)
    response.content_type = CONTENT_TYPE
    return response


def _problem(fault: Exception) -> tuple[dict[str, Any], dict[str, str]] | None:
    if isinstance(fault, exceptions.APIException):
        return _of_request(fault)
    if isinstance(fault, Http404):
        return document(404, "request.not_found", str(fault) or "There is no such thing."), {}
    if isinstance(fault, PermissionDenied):
        return document(403, "request.forbidden", str(fault) or "You may not do this."), {}
    if isinstance(fault, OperationalError | InterfaceError):
        body = document(503, "database.away", "PostgreSQL does not answer; nothing was stored.")
        return body, {"Retry-After": str(RETRY_SECONDS)}
    if isinstance(fault, DataError | OverflowError):
        return document(400, "request.unfit", "A value does not fit: NUL, or too large."), {}
    if isinstance(fault, RecursionError):
        return document(400, "request.too_deep", "The body nests too deep."), {}
    return _of_room(fault)


def _of_request(fault: exceptions.APIException) -> tuple[dict[str, Any], dict[str, str]]:
    known = (name for kind, name in REQUEST_CODES.items() if isinstance(fault, kind))
    code = next(known, str(getattr(fault, "code", "request.refused")))
    headers = {}
    if challenge := getattr(fault, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(fault, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(fault, exceptions.ValidationError):
        body = document(400, code, "Some fields cannot be used.", errors=fault.detail)
        return body, headers
    return document(fault.status_code, code, str(fault.detail)), headers


def _of_room(fault: Exception) -> tuple[dict[str, Any], dict[str, str]] | None:
    code = getattr(fault, "code", None)
    status = STATUS_OF.get(code) if isinstance(code, str) else None
    if status is None:
        return None
    wait = getattr(fault, "wait", None)
    headers = {} if wait is None else {"Retry-After": str(int(wait))}
    more = {"hint": getattr(fault, "hint", None), "errors": getattr(fault, "errors", None) or None}
    return document(status, str(code), str(fault), **more), headers


def fallback(request: HttpRequest) -> HttpResponse:
    """Answer an API request whose view failed; the log has the fault."""
    del request
    fault = sys.exc_info()[1]
    if isinstance(fault, OperationalError | InterfaceError):
        return database_away()
    if isinstance(fault, Error):
        log.error("the database refused a request: %s", fault)
    return answer(
        500, "ethops.fault", "This is a fault of ours. It is in the log of the web process."
    )


def not_found(request: HttpRequest) -> HttpResponse:
    """Answer an API path that does not exist."""
    return answer(404, "request.not_found", f"There is nothing at {request.path[:200]}.")
