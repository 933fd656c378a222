"""By which door an account is opened: it stands where its password would, so that it has one.

Whoever has a password here, and every superuser, is let in by it alone, so that who runs a provider
or a directory cannot take a person's place here by giving somebody his name or address.
"""

import re
from hashlib import sha256
from typing import Final, Literal, TypeAlias

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.crypto import get_random_string

Door: TypeAlias = Literal["oidc", "ldap"]

MARK: Final = re.compile(r"!(?:oidc|ldap):[0-9a-f]{40}:")
"""Django calls every password that begins so no password; its own have no colon."""


def opens(user: User, door: Door, subject: str) -> bool:
    """Tell whether this person of this door may come in to an account.

    An account without password and door is the first one's who comes with its name or address.
    """
    if user.is_superuser or not user.is_active or user.has_usable_password():
        return False
    kept = MARK.match(user.password)
    return kept is None or kept.group() == _mark(door, subject)


def bind(user: User, door: Door, subject: str) -> None:
    """Let an account be this person's of this door, and nobody else's."""
    if not user.password.startswith(_mark(door, subject)):
        user.password = f"{_mark(door, subject)}{get_random_string(22)}"
        user.save(update_fields=["password"])


def end_sessions(user: User) -> None:
    """End every session of an account that a door opens."""
    kept = MARK.match(user.password)
    if kept is not None:
        # Django ends the sessions of whoever has another password than at his login.
        user.password = f"{kept.group()}{get_random_string(22)}"
        user.save(update_fields=["password"])


def of(door: Door) -> QuerySet[User]:
    """Return the active accounts that a door opens."""
    return User.objects.filter(password__startswith=f"!{door}:", is_active=True)


def _mark(door: Door, subject: str) -> str:
    return f"!{door}:{sha256(subject.encode()).hexdigest()[:40]}:"
