"""Who comes with a provider's word: which account is his, and what he may from now on.

An account belongs to one door. Who has a password here, and every superuser, is let in by it alone,
so that who runs a provider cannot take a person's place here by giving somebody his address.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from ethops.logins import people
from ethops.logins.declared import Logins
from ethops.logins.errors import LoginsError, NoPlaceError, NotYoursError, UnknownPersonError
from personas import queries

LOGIN: Final = re.compile(r"[a-z0-9._+@-]{3,150}")
"""What a newcomer may be called here."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a provider vouches for about somebody."""

    mail: str
    groups: frozenset[str]
    name: str = ""


def admitted(arrival: Arrival, declared: Logins) -> User:
    """Return the account of whoever comes, with the roles of his groups.

    Raises:
        UnknownPersonError: he has none, and newcomers get none.
        NotYoursError: there is one, and it is not the provider's to open.
        NoPlaceError: none of his groups has a role here; those he had are taken.
    """
    try:
        with transaction.atomic():
            user = _account(arrival, declared)
            fault = _placed(user, arrival.groups, declared)
        # Only now: roles that were taken away stay so.
        if fault is not None:
            raise fault
    except LoginsError as refusal:
        refusal.name = arrival.mail
        raise
    return User.objects.get(pk=user.pk)


def wanted(groups: Iterable[str], declared: Logins) -> set[str]:
    """Return the roles of these groups; a requester's where there are none and newcomers are."""
    found: set[str] = {declared.roles[one] for one in groups if one in declared.roles}
    return found or ({"requester"} if declared.newcomers == "requester" else set())


def _account(arrival: Arrival, declared: Logins) -> User:
    found = User.objects.select_for_update().filter(email__iexact=arrival.mail)
    # PostgreSQL may call letters of other scripts the same as ours (a dotless i, a long s).
    there = [one for one in found if one.email.isascii()]
    if len(there) > 1:
        raise NotYoursError(f"Several accounts have the address {arrival.mail}.")
    if there:
        if there[0].is_superuser or there[0].has_usable_password() or not there[0].is_active:
            raise NotYoursError(f"The account of {arrival.mail} is not opened this way.")
        return there[0]
    if declared.newcomers == "refuse":
        raise UnknownPersonError(f"Nobody here has the address {arrival.mail}.")
    login = arrival.mail.casefold()
    if not LOGIN.fullmatch(login):
        raise NotYoursError(f"Nobody can be called {login} here.")
    if queries.is_card(login) or User.objects.filter(username__iexact=login).exists():
        raise NotYoursError(f"The name {login} is taken.")
    user = User.objects.create_user(login, email=arrival.mail, first_name=arrival.name[:150])
    people.give(user, ["requester"], by="oidc")
    return user


def _placed(user: User, groups: frozenset[str], declared: Logins) -> LoginsError | None:
    if not declared.roles:
        return None
    roles = wanted(groups, declared)
    people.give(user, roles, by="oidc")
    return None if roles else NoPlaceError(f"No group of {user.username} has a role here.")
