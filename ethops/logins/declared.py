"""`logins.yaml`: who else than this house knows its people; half a declaration is a fault."""

from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from adapters import declared
from adapters.declared import Declaration, Read, refusal

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

RoleName = Literal["requester", "operator", "approver", "auditor", "admin"]


def is_private(url: str) -> bool:
    """Tell whether nobody on the way can read what is sent there: TLS, or this host."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _private(url: str) -> str:
    if not is_private(url):
        raise refusal("A provider is asked with TLS.", "Begin it with https:, or name loopback.")
    return url


class Provider(Declaration):
    """One OpenID Connect provider."""

    issuer: Annotated[
        str, Field(max_length=300, pattern=r"^https?://[!-~]+$"), AfterValidator(_private)
    ]
    """As the provider writes it in its tokens, to the letter."""
    client: Annotated[str, Field(min_length=1, max_length=200)]
    """The name under which ethops is known there."""
    secret_file: Annotated[str, Field(min_length=1, max_length=400)]
    """The client's secret, in a file that its owner alone may read; beside this one or absolute."""
    button: Annotated[str, Field(min_length=1, max_length=60)] = "Log in with your organisation"
    algorithm: Literal["RS256", "ES256"] = "RS256"
    groups_claim: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,200}$")] = "groups"
    scopes: Annotated[str, Field(pattern=r"^openid( [!-~]{1,60}){0,10}$")] = "openid email profile"


class Logins(Declaration):
    """The whole file: who is asked, and what his word is worth here."""

    oidc: Provider | None = None
    roles: dict[str, RoleName] = {}
    """Group there -> role here. Where there is none, roles are given here, and kept."""
    newcomers: Literal["refuse", "requester"] = "refuse"
    """What becomes of somebody without an account here."""


def read(path: Path) -> Read[Logins]:
    """Read the file into a model, or into faults with their lines."""
    return declared.read(path, Logins)


def secret_path(file: Path, provider: Provider) -> Path:
    """Return where the client's secret is."""
    return file.parent / provider.secret_file
