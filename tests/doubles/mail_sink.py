"""A mail server that takes everything and keeps it: what was sent, as it came over the wire."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Sink:
    """Keeps letters in the order in which they came."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        del server, session
        self.letters.append(message_from_bytes(envelope.original_content, policy=policy.default))
        return "250 OK"


@contextmanager
def sink(port: int) -> Iterator[Sink]:
    """Listen on a loopback port."""
    kept = Sink()
    door = Controller(kept, hostname="127.0.0.1", port=port)
    door.start()
    try:
        yield kept
    finally:
        door.stop()
