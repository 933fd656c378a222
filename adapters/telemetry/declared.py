"""Own keys, observers of hosts and logs of osquery's results, as a site file declares them."""

import ipaddress
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from adapters.declared import Declaration, refusal
from adapters.telemetry.osquery import LONGEST_NAME

Slug = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$", max_length=64)]
Account = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_.-]{0,31}$")]
Fingerprint = Annotated[str, Field(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")]

Identifier = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
CIRef = Annotated[str, Field(min_length=1, max_length=200)]

SKEW_S: Final = 30
"""How far a host's clock may stray from ours before what it saw is misplaced."""


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise refusal(
            f"{text!r} is no address.", "Write an address, or a network as 10.0.0.0/24."
        ) from error


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:
        raise refusal(
            f"{name!r} is no time zone.", "Write one as Europe/Vienna, or UTC."
        ) from error
    return name


Network = Annotated[str, Field(max_length=64), AfterValidator(_network)]


class DeclaredKey(Declaration):
    """A key that ethops logs in with, or the authority that signs its certificates."""

    name: Slug
    fingerprint: Fingerprint
    accounts: Annotated[tuple[Account, ...], Field(min_length=1, max_length=32)]
    """Accounts on hosts that are ethops's alone: what they do by sudo must be explained too."""
    addresses: Annotated[tuple[Network, ...], Field(alias="from", max_length=64)] = ()
    authority: bool = False


class DeclaredObserver(Declaration):
    """Who watches a host: the embedded observer reads a file of this host, others push lines."""

    host: Slug
    source: Literal["file", "pushed"]
    path: Annotated[str, Field(max_length=400, pattern=r"^/[^\x00-\x1f]*$")] | None = None
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = "UTC"
    """Of times without a zone, as rsyslog writes them on RHEL."""
    silent_after_s: Annotated[int, Field(ge=60, le=604_800)] = 3_600
    skew_s: Annotated[int, Field(ge=0, le=300)] = SKEW_S

    @model_validator(mode="after")
    def _placed(self) -> "DeclaredObserver":
        if (self.source == "file") != (self.path is not None):
            raise refusal(
                f"An observer by {self.source} {'has no' if self.path is None else 'has a'} path.",
                "Give `path` with `source: file`, and only there.",
            )
        return self


class DeclaredQueryLog(Declaration):
    """A file of osquery's results on this host, and which CI each host in it is."""

    name: Slug
    path: Annotated[str, Field(max_length=400, pattern=r"^/[^\x00-\x1f]*$")]
    hosts: Annotated[dict[Identifier, CIRef], Field(min_length=1, max_length=10_000)]
    """`hostIdentifier` to CI; results of any other host are not kept."""
