"""The effect `notify`: tell a person, by HTTP POST or by mail, at the target the site declared."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import httpx

from adapters.text import one_line, plain
from ethops.executor import conf
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import (
    ExecutorError,
    NotNowError,
    TargetRefusedError,
    UndeliveredError,
    UnsureError,
)
from personas.gate import Claim

TIMEOUT_SECONDS: Final = 5.0
TRIES: Final = 3
MOST_REMEMBERED: Final = 1000
SENDER: Final = "ethops@localhost"
BUSY: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Refusals of the 4xx kind that pass; all of the 5xx kind may."""


@dataclass(frozen=True, slots=True)
class Notify:
    """Tells a person; `targets` returns the (kind, target) pairs that the site declares."""

    targets: Callable[[], frozenset[tuple[str, str]]]
    _met: dict[UUID, str] = field(default_factory=dict)
    """What this process met when it last tried, for those who are told that nobody was."""

    def act(self, claim: Claim) -> Result:
        """Send; a repeat carries the same key, so that a receiver may drop it."""
        kind, target = claim.args["kind"], claim.args["target"]
        if (kind, target) not in self.targets():
            raise TargetRefusedError(f"the site declares no {kind} notices to {target}")
        title = one_line(claim.args["title"], 250)
        text = plain(claim.args["text"], 4000)
        send = _post if kind == "http" else _mail
        try:
            return send(target, title, text, str(claim.action_id))
        except UnsureError as fault:
            if len(self._met) >= MOST_REMEMBERED:  # another process probed what we met
                self._met.clear()
            self._met[claim.action_id] = str(fault)
            raise

    def probe(self, claim: Claim) -> Finding:
        """No receiver can be asked; told twice is better than not at all."""
        unknown = f"nobody knows whether {claim.args['target']} was told"
        said = self._met.pop(claim.action_id, unknown)
        return Finding("absent", {"said": said, "code": UndeliveredError.code})


def _post(target: str, title: str, text: str, key: str) -> Result:
    headers = {b"Title": title.encode(), b"Idempotency-Key": key.encode()}
    # A proxy of the environment has no business between us and this host.
    loopback = urlsplit(target).hostname in {"127.0.0.1", "::1", "localhost"}
    with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=not loopback) as client:
        for attempt in range(1, TRIES + 1):
            try:
                answer = client.post(target, content=text.encode(), headers=headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
                raise NotNowError(f"nobody answers at {target}: {fault}") from fault
            except httpx.TransportError as fault:
                if attempt == TRIES:
                    raise UnsureError(f"{target} broke off: {fault}") from fault
                continue
            if answer.is_success:
                return {"said": f"delivered to {target}", "status": answer.status_code}
            passes = answer.is_server_error or answer.status_code in BUSY
            raise _refusal(f"{target} answered {answer.status_code}", passes=passes)
    raise UnsureError(f"{target} was not asked")


def _mail(target: str, title: str, text: str, key: str) -> Result:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, target, title
    message["Message-ID"] = f"<{key}@ethops>"
    message.set_content(text)
    server = urlsplit(conf.executor().smtp_url)
    if not server.hostname:
        raise UndeliveredError("no mail server is set: ETHOPS_SMTP_URL")
    made = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    try:
        with made(server.hostname, server.port or 0, timeout=TIMEOUT_SECONDS) as smtp:
            if server.username:
                smtp.login(unquote(server.username), unquote(server.password or ""))
            smtp.send_message(message)
    except smtplib.SMTPServerDisconnected as fault:
        raise UnsureError(f"{server.hostname} broke off: {fault}") from fault
    except OSError as fault:  # which a refusal of smtplib's is too
        said = f"{server.hostname} did not take it: {fault}"
        raise _refusal(said, passes=_passes(fault)) from fault
    return {"said": f"handed to {server.hostname} for {target}"}


def _passes(fault: OSError) -> bool:
    """Tell whether a mail server's refusal passes: codes from 400 to 499, or no answer at all."""
    if isinstance(fault, smtplib.SMTPResponseException):
        codes = [fault.smtp_code]
    elif isinstance(fault, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in fault.recipients.values()]
    else:
        return not isinstance(fault, smtplib.SMTPException)
    return all(400 <= code < 500 for code in codes)


def _refusal(said: str, *, passes: bool) -> ExecutorError:
    return NotNowError(said) if passes else UndeliveredError(said)
