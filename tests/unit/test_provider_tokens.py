"""Which tokens of a provider are taken: signed, by our issuer, for us, and not old."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ethops.logins.declared import Logins, Provider
from ethops.logins.joining import wanted
from ethops.logins.oidc import ProviderBackend

ISSUER = "https://id.example.org"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OURS = Provider(issuer=ISSUER, client="ethops", secret_file="s")


def read(key: Any = KEY, algorithm: str = "RS256", **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": "ethops", "sub": "bea", "iat": now, "exp": now + 60, **changed}
    kept = {name: value for name, value in said.items() if value is not None}
    backend = ProviderBackend()
    backend.provider = OURS
    return backend.get_payload_data(jwt.encode(kept, key, algorithm=algorithm), KEY.public_key())


def test_a_token_for_us_is_taken() -> None:
    assert read()["sub"] == "bea"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://id.example.com"},
        {"iss": None},
        {"aud": ["ethops", "another"], "azp": "another"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"algorithm": "PS256"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
        {"key": "a secret of thirty-two bytes or more", "algorithm": "HS256"},
        {"key": None, "algorithm": "none"},
    ],
    ids=[
        *("another audience", "no audience", "another issuer", "no issuer"),
        *("asked for by another", "old", "no end"),
        *("nobody", "another algorithm", "another key", "a secret", "unsigned"),
    ],
)
def test_any_other_token_is_not(changed: dict[str, Any]) -> None:
    with pytest.raises(jwt.PyJWTError):
        read(**changed)


@pytest.mark.parametrize(
    ("groups", "newcomers", "roles"),
    [
        (["a"], "refuse", {"operator"}),
        (["a", "b"], "refuse", {"operator", "auditor"}),
        (["c"], "refuse", set()),
        (["c"], "requester", {"requester"}),
        (["a"], "requester", {"operator"}),
        ([], "requester", {"requester"}),
    ],
)
def test_groups_are_roles(groups: list[str], newcomers: Any, roles: set[str]) -> None:
    mapped = Logins(roles={"a": "operator", "b": "auditor"}, newcomers=newcomers)
    assert wanted(groups, mapped) == roles
