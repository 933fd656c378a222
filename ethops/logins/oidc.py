"""Logins by OpenID Connect: the library has the flow, we say whose token is taken.

mozilla-django-oidc looks at signature, state, nonce and PKCE. That a token is from our issuer, for
us, about the person whom userinfo describes, and that his address is confirmed, is looked at here.
"""

import re
from typing import Any, Final

import jwt
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from ethops.logins import conf, discovery, joining
from ethops.logins.declared import Provider
from ethops.logins.errors import BadAnswerError, ProviderAwayError, UnverifiedError
from ethops.logins.joining import Arrival

NAME: Final = "ethops.logins.oidc.ProviderBackend"

SETTINGS: Final[dict[str, Any]] = {
    "OIDC_USE_NONCE": True,
    "OIDC_USE_PKCE": True,
    "OIDC_TIMEOUT": 10,
    "OIDC_AUTHENTICATION_CALLBACK_URL": "oidc_back",
}
"""What the library reads of Django's settings; everything else is its default."""

LEEWAY_SECONDS: Final = 60
ADDRESS: Final = re.compile(r"[!-?A-~]{1,150}@[!-?A-~]{1,100}")
"""Of mail, in letters that look like no others."""
NOT_AS_SAID: Final = (ValueError, LookupError, TypeError, AttributeError)
"""What comes of an answer that has another form than the protocol's."""


class ProviderBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # ships no types
    """Takes the word of the declared provider, and of no other."""

    def __init__(self) -> None:
        # The library's would want its settings; every question about rights makes one of these.
        self.UserModel = User

    @staticmethod
    def get_settings(attr: str, *default: Any) -> Any:
        """Return what the library may know."""
        return SETTINGS.get(attr, *default)

    def authenticate(self, request: HttpRequest, *, nonce: str, code_verifier: str) -> User | None:
        """Return whose code this is.

        Raises:
            LoginsError: nobody's, or nobody's who may come in.
        """
        provider = conf.provider()
        if provider is None or not nonce or not code_verifier:
            return None
        self._aim(provider)
        try:
            user: User | None = super().authenticate(
                request, nonce=nonce, code_verifier=code_verifier
            )
        except OSError as fault:
            # What `requests` raises, and a secret that cannot be read.
            raise ProviderAwayError("The provider did not take the code.") from fault
        except (jwt.PyJWTError, SuspiciousOperation, *NOT_AS_SAID) as fault:
            raise BadAnswerError("The provider's answer does not hold.") from fault
        return user

    def get_user(self, user_id: int) -> User | None:
        """Return whose session this is: nobody's where he is inactive, or no provider is declared.

        The library's looks at neither.
        """
        if conf.provider() is None:
            return None
        found = ModelBackend.get_user(self, user_id)
        return found if isinstance(found, User) else None

    def retrieve_matching_jwk(self, token: str) -> jwt.PyJWK:
        """Return the provider's key that a token names; one without a name needs a lone key.

        The library's fails for tokens that name none, as OpenID allows where there is one key.

        Raises:
            BadAnswerError: there is no such key.
        """
        name = jwt.get_unverified_header(token).get("kid")
        keys = [one for one in discovery.keys(self.OIDC_OP_JWKS_ENDPOINT).keys if _signs(one)]
        found = [one for one in keys if name is None or one.key_id == name]
        if len(found) != 1:
            raise BadAnswerError("The provider's token names no key of its own.")
        return found[0]

    def get_payload_data(self, token: str, key: Any) -> dict[str, Any]:
        """Return what a token says: signed, not old, by our issuer and for us.

        Raises:
            PyJWTError: it is not so.
        """
        said = jwt.decode(
            token,
            key,
            algorithms=[self.provider.algorithm],
            audience=self.provider.client,
            issuer=self.provider.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["aud", "exp", "iat", "iss", "sub"]},
        )
        # OpenID Connect Core 3.1.3.7: of several who may read it, one has asked for it.
        if said.get("azp", self.provider.client) != self.provider.client:
            raise jwt.InvalidAudienceError("it was given to another client")
        return said

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """Return the account of the person whom token and userinfo are about.

        Raises:
            LoginsError: there is none for him.
        """
        claims = self.get_userinfo(access_token, id_token, payload)
        if claims.get("sub") != payload["sub"]:
            raise BadAnswerError("The provider describes somebody else.")
        mail = claims.get("email")
        # The word true, and not a text that looks like it.
        if claims.get("email_verified") is not True:
            raise UnverifiedError("The provider does not say that this address is yours.")
        if not isinstance(mail, str) or not ADDRESS.fullmatch(mail):
            raise UnverifiedError("The provider names no address of mail that can be known here.")
        claim = self.provider.groups_claim
        groups = claims.get(claim, payload.get(claim))
        listed = groups if isinstance(groups, list) else []
        arrival = Arrival(
            door="oidc",
            subject=f"{self.provider.issuer} {payload['sub']}",
            login=mail.casefold(),
            mail=mail,
            groups=frozenset(one for one in listed if isinstance(one, str)),
            name=str(claims.get("name") or ""),
        )
        return joining.admitted(arrival, conf.logins())

    def _aim(self, provider: Provider) -> None:
        self.provider = provider
        where = discovery.endpoints(provider.issuer)
        self.OIDC_OP_TOKEN_ENDPOINT = where.token
        self.OIDC_OP_USER_ENDPOINT = where.userinfo
        self.OIDC_OP_JWKS_ENDPOINT = where.jwks
        self.OIDC_RP_CLIENT_ID = provider.client
        self.OIDC_RP_SIGN_ALGO = provider.algorithm
        self.OIDC_RP_IDP_SIGN_KEY = None
        try:
            self.OIDC_RP_CLIENT_SECRET = conf.secret(provider)
        except OSError as fault:
            raise ProviderAwayError("The secret that the provider knows is not there.") from fault


def _signs(key: jwt.PyJWK) -> bool:
    return key.public_key_use in {None, "sig"}
