"""This process's way to the iTop that the settings name: one client, and the names it found."""

from dataclasses import dataclass
from functools import cache

from adapters import conf
from adapters.tickets.itop.client import Client
from adapters.tickets.itop.errors import ItopUnsetError
from adapters.tickets.itop.names import Names, Options


@dataclass(frozen=True, slots=True)
class Session:
    """A client and the names it found; threads may share it."""

    client: Client
    names: Names


def session() -> Session:
    """Return this process's session.

    Raises:
        ItopUnsetError: the settings name no iTop, or no token for it.
    """
    options = Options(**conf.options("tickets"))
    if not options.url or not options.token:
        raise ItopUnsetError(
            "The settings name no iTop: set ETHOPS_ITOP_URL and ETHOPS_ITOP_TOKEN."
        )
    return made(options)


def site() -> str:
    """Return the address of the iTop that the settings name; empty where they name none."""
    return str(conf.options("tickets").get("url", ""))[:300]


@cache
def made(options: Options) -> Session:
    """Return the session of these options, one per process."""
    client = Client(
        options.url, options.token, user=options.user, deadline_s=options.deadline_s
    )  # fmt: skip
    return Session(client, Names(client, options))
