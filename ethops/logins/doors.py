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

ID: Final = re.compile(r"id=[0-9A-Za-z.-]{1,64}")
"""Who somebody is in a directory, whatever he is called; kept as it is, to be looked for."""
MARK: Final = re.compile(rf"!(?:oidc:[0-9a-f]{{40}}|ldap:(?:[0-9a-f]{{40}}|{ID.pattern})):")
"""Django calls every password that begins so no password; its own have no colon."""


def opens(user: User, door: Door, subject: str) -> bool:
    """Tell whether this person of this door may come in to an account.

    An account without password and door is the first one's who comes with its name or address.
    """
    kept = MARK.match(user.password)
    return _is_outer(user) and (kept is None or kept.group() == _mark(door, subject))


def may_open(user: User, door: Door) -> bool:
    """Tell whether somebody of this door may come in to an account, whoever he turns out to be."""
    kept = MARK.match(user.password)
    return _is_outer(user) and (kept is None or kept.group().startswith(f"!{door}:"))


def _is_outer(user: User) -> bool:
    return user.is_active and not user.is_superuser and not user.has_usable_password()


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


def bound(door: Door, subject: str) -> QuerySet[User]:
    """Return the account of this person of this door, if he has one."""
    return User.objects.filter(password__startswith=_mark(door, subject))


def id_of(user: User) -> str:
    """Return who the person of an account is in the directory; nothing where it says his name."""
    kept = MARK.match(user.password)
    found = ID.search(kept.group()) if kept is not None else None
    return found.group() if found is not None else ""


def mark_of(user: User) -> str:
    """Return whose an account is, by the door that opens it; nothing where none does."""
    kept = MARK.match(user.password)
    return kept.group() if kept is not None else ""


def of(door: Door) -> QuerySet[User]:
    """Return the active accounts that a door opens."""
    return User.objects.filter(password__startswith=f"!{door}:", is_active=True)


def _mark(door: Door, subject: str) -> str:
    # A provider may call somebody anything.
    if door == "ldap" and ID.fullmatch(subject):
        return f"!ldap:{subject}:"
    return f"!{door}:{sha256(subject.encode()).hexdigest()[:40]}:"
