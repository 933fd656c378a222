"""The house's own settings, typed: the only module of these rooms that reads Django's settings."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True, slots=True)
class House:
    """What the rooms inside ethops may know of the environment."""

    process: str
    """Which process of the matrix this is."""
    state: Path
    """Folder of secrets, logs and files that only this stack uses."""
    site: Path
    """The declared site."""
    lease_seconds: int
    """How long a claimed row stays claimed without a heartbeat."""
    notify: str
    """Where a person is told; empty means on the desk only."""
    smtp_url: str
    """The mail server for `mailto:` notifications."""
    web_port: int
    """Loopback port of the desk, for links in messages to people."""
    mail_from: str
    """Whom mail of the desk comes from, and answers go to."""
    mail_listen: str
    """Where letters are handed to us; empty takes none."""
    mail_domains: tuple[str, ...]
    """Domains whose people may file by mail without a login here."""
    url: str
    """How people reach the desk, for links in messages to them; without a slash at its end."""
    bus: bool
    """Whether observers publish on a bus, which one process hears."""
    redis_url: str
    """Where workers are woken, and where events of agents are told."""
    itop_callback_secrets: tuple[str, ...]
    """What iTop's callbacks prove themselves by; without one none is taken."""
    https_only: bool
    """People reach the desk by TLS alone, and so does whoever calls."""


def house() -> House:
    """The settings as they are now; tests may override them."""
    return House(
        process=settings.ETHOPS_PROCESS,
        state=settings.ETHOPS_STATE,
        site=settings.ETHOPS_SITE,
        lease_seconds=settings.ETHOPS_LEASE_SECONDS,
        notify=settings.ETHOPS_NOTIFY,
        smtp_url=settings.ETHOPS_SMTP_URL,
        web_port=settings.ETHOPS_WEB_PORT,
        mail_from=settings.ETHOPS_MAIL_FROM,
        mail_listen=settings.ETHOPS_MAIL_LISTEN,
        mail_domains=tuple(settings.ETHOPS_MAIL_DOMAINS),
        url=settings.ETHOPS_URL or f"http://127.0.0.1:{settings.ETHOPS_WEB_PORT}",
        bus=bool(settings.ETHOPS_TELEMETRY_BUS),
        redis_url=settings.ETHOPS_REDIS_URL,
        itop_callback_secrets=tuple(settings.ETHOPS_ITOP_CALLBACK_SECRETS),
        https_only=bool(settings.SECURE_SSL_REDIRECT),
    )
