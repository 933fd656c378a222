"""Notices by mail: threaded by ticket, and marked so that no program answers them."""

import smtplib
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from django.utils import timezone

from ethops.executor import conf, stop
from ethops.executor.effects import Result
from ethops.executor.errors import UndeliveredError, UnsureError
from ethops.executor.told import TIMEOUT_SECONDS, Told, refusal
from ethops.guests import links
from ethops.notify import threads
from ethops.notify.models import Notice

LINK: Final = "{link}"
"""Where a text wants its reader's own link: it is made here, so that no row holds its secret."""


def send(what: Told) -> Result:
    """Send it.

    Raises:
        StoppedError: the stop was pressed before anybody was told.
        NotNowError: nobody answers, or the refusal passes.
        UndeliveredError: it is refused for good, or no server is set.
        UnsureError: the connection broke after the message was sent.
    """
    settings = conf.executor()
    server = urlsplit(settings.smtp_url)
    if not server.hostname:
        raise UndeliveredError("no mail server is set: ETHOPS_SMTP_URL")
    message = _message(what, settings.mail_from)
    stop.check_file()
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
        raise refusal(said, passes=_passes(fault)) from fault
    return {"said": f"handed to {server.hostname} for {what.target}"}


def _message(what: Told, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = sender, what.target
    message["Subject"] = threads.subject(what.ticket_ref, what.title)
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = threads.own_id(what.key, sender)
    if what.ticket_ref:
        message["References"] = message["In-Reply-To"] = threads.of_ticket(what.ticket_ref, sender)
    # RFC 3834: whatever answers by itself leaves it alone.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_with_link(what))
    return message


def _with_link(what: Told) -> str:
    """Put the reader's link where the text wants it; only who asked for the ticket has one."""
    if LINK not in what.text:
        return what.text
    # The words of others hold no link, whatever they write: only our own notice says who reads it.
    reader = (
        Notice.objects.filter(ticket_ref=what.ticket_ref, target=what.target, kind="mail")
        .exclude(reader="")
        .values_list("reader", flat=True)
        .first()
    )
    if reader is None:
        return what.text
    token, _ = links.mint(ref=what.ticket_ref, person=reader, by="notice")
    address = f"{conf.executor().url}/portal/l/{token}/"
    head, _, tail = what.text.rpartition(LINK)
    return f"{head}{address}{tail}"


def _passes(fault: OSError) -> bool:
    """Tell whether a mail server's refusal passes: codes from 400 to 499, or no answer at all."""
    if isinstance(fault, smtplib.SMTPResponseException):
        codes = [fault.smtp_code]
    elif isinstance(fault, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in fault.recipients.values()]
    else:
        return not isinstance(fault, smtplib.SMTPException)
    return all(400 <= code < 500 for code in codes)
