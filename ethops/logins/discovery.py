"""What a provider says of itself: where it is asked, and with which keys it signs."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import httpx
import jwt

from ethops.logins.declared import is_private
from ethops.logins.errors import ProviderAwayError

PATH: Final = "/.well-known/openid-configuration"
KEEP_SECONDS: Final = 600
PATIENCE_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of one provider."""

    authorization: str
    token: str
    userinfo: str
    jwks: str
    end_session: str
    """Empty where one cannot be logged out there."""


def endpoints(issuer: str) -> Endpoints:
    """Return the addresses; what was said is kept for some minutes.

    Raises:
        ProviderAwayError: it does not answer, or speaks for another.
    """
    return _asked(issuer, int(time.monotonic() // KEEP_SECONDS))


def keys(url: str) -> jwt.PyJWKSet:
    """Return the keys that the provider signs with now.

    Raises:
        ProviderAwayError: it does not say.
    """
    try:
        answer = httpx.get(url, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        return jwt.PyJWKSet.from_dict(answer.json())
    except (httpx.HTTPError, ValueError, AttributeError, jwt.PyJWTError) as fault:
        raise ProviderAwayError("The provider does not name its keys.") from fault


@lru_cache(maxsize=2)
def _asked(issuer: str, slot: int) -> Endpoints:
    del slot
    try:
        answer = httpx.get(issuer.rstrip("/") + PATH, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        said = answer.json()
    except (httpx.HTTPError, ValueError) as fault:
        raise ProviderAwayError(f"{issuer} does not answer.") from fault
    if not isinstance(said, dict) or said.get("issuer") != issuer:
        raise ProviderAwayError(f"{issuer} does not answer as itself.")
    return Endpoints(
        _address(said, "authorization_endpoint"),
        _address(said, "token_endpoint"),
        _address(said, "userinfo_endpoint"),
        _address(said, "jwks_uri"),
        _address(said, "end_session_endpoint") if said.get("end_session_endpoint") else "",
    )


def _address(said: dict[str, Any], name: str) -> str:
    url = said.get(name)
    if not isinstance(url, str) or not is_private(url):
        raise ProviderAwayError(f"The provider names no {name} with TLS.")
    return url
