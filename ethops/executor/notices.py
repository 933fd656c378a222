"""The effect `notify`: tell a person, by HTTP POST or by mail, at the target the site declared."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx

from adapters.text import one_line, plain
from ethops.executor import conf
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import TargetRefusedError, UndeliveredError, UnsureError
from personas.gate import Claim

TIMEOUT_SECONDS: Final = 5.0
TRIES: Final = 3
SENDER: Final = "ethops@localhost"


@dataclass(frozen=True, slots=True)
class Notify:
    """Tells a person; `targets` returns the (kind, target) pairs that the site declares."""

    targets: Callable[[], frozenset[tuple[str, str]]]

    def act(self, claim: Claim) -> Result:
        """Send; a repeat carries the same key, so that a receiver may drop it."""
        kind, target = claim.args["kind"], claim.args["target"]
        if (kind, target) not in self.targets():
            raise TargetRefusedError(f"the site declares no {kind} notices to {target}")
        title = one_line(claim.args["title"], 250)
        text = plain(claim.args["text"], 4000)
        if kind == "http":
            return _post(target, title, text, str(claim.action_id))
        return _mail(target, title, text, str(claim.action_id))

    def probe(self, claim: Claim) -> Finding:
        """No receiver can be asked; told twice is better than not at all."""
        return Finding("absent", {"said": f"nobody knows whether {claim.args['target']} was told"})


def _post(target: str, title: str, text: str, key: str) -> Result:
    headers = {b"Title": title.encode(), b"Idempotency-Key": key.encode()}
    # A proxy of the environment has no business between us and this host.
    loopback = urlsplit(target).hostname in {"127.0.0.1", "::1", "localhost"}
    with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=not loopback) as client:
        for attempt in range(1, TRIES + 1):
            try:
                answer = client.post(target, content=text.encode(), headers=headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
                raise UndeliveredError(f"nobody answers at {target}: {fault}") from fault
            except httpx.TransportError as fault:
                if attempt == TRIES:
                    raise UnsureError(f"{target} broke off: {fault}") from fault
                continue
            if answer.is_success:
                return {"said": f"delivered to {target}", "status": answer.status_code}
            raise UndeliveredError(f"{target} answered {answer.status_code}")
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
    except (smtplib.SMTPException, ConnectionError, TimeoutError) as fault:
        raise UndeliveredError(f"{server.hostname} did not take it: {fault}") from fault
    return {"said": f"handed to {server.hostname} for {target}"}
