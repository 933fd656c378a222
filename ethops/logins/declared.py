"""`logins.yaml`: who else than this house knows its people; half a declaration is a fault."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

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


_ADDRESS: Final = re.compile(
    r"ldaps?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[1-9][0-9]{0,4})?/?"
)


def _whole(url: str) -> str:
    if not _ADDRESS.fullmatch(url):
        raise refusal("It is no address of a directory.", "Write ldaps://HOST or ldap://HOST:PORT.")
    return url


Attribute = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$")]


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


class Directory(Declaration):
    """One directory that is asked by LDAP: people prove their passwords there."""

    url: Annotated[str, Field(max_length=300), AfterValidator(_whole)]
    """`ldaps:`, or `ldap:`, which goes on with StartTLS; without it on loopback alone."""
    starttls: bool = True
    ca_file: Annotated[str, Field(max_length=400)] = ""
    """Who signs its certificate, PEM; beside this file or absolute; else whom the system trusts."""
    bind_dn: Annotated[str, Field(max_length=400)] = ""
    """As whom it is searched; nobody where it is empty."""
    secret_file: Annotated[str, Field(max_length=400)] = ""
    """His password, in a file that its owner alone may read; beside this one or absolute."""
    people: Annotated[str, Field(min_length=1, max_length=400)]
    """The DN under which people are."""
    person_class: Attribute = "person"
    login: Attribute = "uid"
    """The attribute that holds the name with which somebody logs in."""
    id: Annotated[str, Field(pattern=r"^(?:[A-Za-z][A-Za-z0-9-]{0,60})?$")] = "entryUUID"
    """The attribute that stays a person's whatever he is called; empty: he is who has his name."""
    mail: Attribute = "mail"
    groups: Annotated[str, Field(min_length=1, max_length=400)]
    """The DN under which groups are."""
    group: Attribute = "cn"
    """The attribute that holds what a group is called under `roles`."""
    member: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9.;:-]{0,99}$")] = "member"
    member_is: Literal["dn", "login"] = "dn"

    @model_validator(mode="after")
    def _private(self) -> "Directory":
        parts = urlsplit(self.url)
        if not (self.starttls or parts.scheme == "ldaps" or parts.hostname in LOOPBACK):
            raise refusal("A directory is asked with TLS.", "Leave `starttls` out, or use ldaps:.")
        if bool(self.bind_dn) != bool(self.secret_file):
            raise refusal("`bind_dn` and `secret_file` go together.", "Give both or neither.")
        return self


class Logins(Declaration):
    """The whole file: who is asked, and what his word is worth here."""

    oidc: Provider | None = None
    ldap: Directory | None = None
    roles: dict[str, RoleName] = {}
    """Group there -> role here. Where there is none, roles are given here, and kept."""
    newcomers: Literal["refuse", "requester"] = "refuse"
    """What becomes of somebody without an account here."""


def read(path: Path) -> Read[Logins]:
    """Read the file into a model, or into faults with their lines."""
    return declared.read(path, Logins)


def secret_path(file: Path, of: Provider | Directory) -> Path:
    """Return where the secret is that we are known by there."""
    return file.parent / of.secret_file
