"""The door for letters: SMTP or LMTP for the site's own mail server, on an address that it reaches.

A letter is acknowledged once it is committed: what is not is still with who delivers it, and he
comes again. That is why we listen, and do not fetch: a mailbox in between could lose it.
"""

import logging
import threading
from typing import Any, Final
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, close_old_connections

from ethops import conf
from ethops.mail import taking
from ethops.mail.errors import ListenError

log = logging.getLogger(__name__)

NOT_HERE: Final = "550 5.1.1 Nobody of this name is here"
LATER: Final = "451 4.3.0 Not now: try again"
TOO_OFTEN: Final = "450 4.7.1 Too many letters: try again later"


class Door:
    """Takes letters for the desk's own address alone: it relays nothing."""

    def __init__(self, own: str) -> None:
        self.own = own.lower()

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take what is for us; `desk+anything@` is us, too."""
        del server, session, options
        local, _, host = address.lower().rpartition("@")
        if f"{local.partition('+')[0]}@{host}" != self.own:
            return NOT_HERE
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the letter, and say so only then."""
        del server, session
        raw = envelope.original_content or b""
        return await sync_to_async(self.keep, thread_sensitive=False)(raw, envelope.mail_from or "")

    def keep(self, raw: bytes, envelope_from: str) -> str:
        """Commit it; whatever goes wrong leaves it with who delivers it."""
        close_old_connections()
        try:
            if taking.too_often(envelope_from):
                return TOO_OFTEN
            taking.take(raw, envelope_from)
        except (DatabaseError, InterfaceError):
            log.exception("a letter could not be kept")
            return LATER
        finally:
            close_old_connections()
        return "250 OK, kept"


class _Lmtp(Controller):
    """The same by LMTP."""

    def factory(self) -> Any:
        """Speak LMTP."""
        return LMTP(self.handler, **self.SMTP_kwargs)


def controller(address: str, own: str) -> Controller:
    """Return the listener of an address, such as smtp://127.0.0.1:8125.

    Raises:
        ListenError: it cannot be used.
    """
    parts = urlsplit(address)
    if not parts.hostname or not parts.port:
        raise ListenError(f"{address} names no host and port.")
    made = _Lmtp if parts.scheme == "lmtp" else Controller
    return made(
        Door(own),
        hostname=parts.hostname,
        port=parts.port,
        data_size_limit=taking.LARGEST,
        ident="ethops",
    )


def run(stop: threading.Event) -> None:
    """Listen until `stop` is set, where the house has an address to listen at.

    Raises:
        ListenError: the address is taken, or not ours.
    """
    house = conf.house()
    if not house.mail_listen:
        stop.wait()
        return
    door = controller(house.mail_listen, house.mail_from)
    try:
        door.start()
    except OSError as fault:
        raise ListenError(f"{house.mail_listen}: {fault}") from fault
    try:
        stop.wait()
    finally:
        door.stop()
