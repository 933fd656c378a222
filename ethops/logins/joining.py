"""Who comes with another's word: which account is his, and what he may from now on."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from ethops.logins import doors, people
from ethops.logins.declared import Logins
from ethops.logins.doors import Door
from ethops.logins.errors import LoginsError, NoPlaceError, NotYoursError, UnknownPersonError
from personas import queries

LOGIN: Final = re.compile(r"[a-z0-9._+@-]{1,150}")
"""What a newcomer may be called here."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a provider or a directory vouches for about somebody."""

    door: Door
    subject: str
    """Who he is there, whatever he is called."""
    login: str
    mail: str
    groups: frozenset[str]
    name: str = ""
    formerly: str = ""
    """Who he was there for accounts of earlier days."""


def admitted(arrival: Arrival, declared: Logins) -> User:
    """Return the account of whoever comes, with the roles of his groups.

    Raises:
        UnknownPersonError: he has none, and newcomers get none.
        NotYoursError: there is one, and it is not this door's to open.
        NoPlaceError: none of his groups has a role here; those he had are taken.
    """
    try:
        with transaction.atomic():
            user = _known(arrival) or _newcomer(arrival, declared)
            doors.bind(user, arrival.door, arrival.subject)
            fault = placed(user, arrival.groups, declared, arrival.door)
        # Only now: roles that were taken away stay so.
        if fault is not None:
            raise fault
    except LoginsError as refusal:
        refusal.name = arrival.login
        raise
    return User.objects.get(pk=user.pk)


def wanted(groups: Iterable[str], declared: Logins) -> set[str]:
    """Return the roles of these groups; a requester's where there are none and newcomers are."""
    found: set[str] = {declared.roles[one] for one in groups if one in declared.roles}
    return found or ({"requester"} if declared.newcomers == "requester" else set())


def _known(arrival: Arrival) -> User | None:
    # Whoever has an account is known by who he is, and only a newcomer by what he is called.
    bound = doors.bound(arrival.door, arrival.subject).select_for_update().first()
    if bound is not None and arrival.door == "ldap":
        return _his(bound, arrival)
    locked = User.objects.select_for_update()
    # PostgreSQL may call letters of other scripts the same as ours (a dotless i, a long s).
    if arrival.door == "oidc":
        found = locked.filter(email__iexact=arrival.mail)
        there = [one for one in found if one.email.isascii()]
    else:
        found = locked.filter(username__iexact=arrival.login)
        there = [one for one in found if one.username.isascii()]
    if len(there) > 1:
        raise NotYoursError(f"Several accounts are called {arrival.login}.")
    if not there:
        return None
    return _his(there[0], arrival)


def _his(user: User, arrival: Arrival) -> User:
    names = [one for one in (arrival.subject, arrival.formerly) if one]
    if not any(doors.opens(user, arrival.door, one) for one in names):
        raise NotYoursError(f"The account of {arrival.login} is not opened this way.")
    return user


def _newcomer(arrival: Arrival, declared: Logins) -> User:
    if declared.newcomers == "refuse":
        raise UnknownPersonError(f"Nobody here is called {arrival.login}.")
    login = arrival.login
    if not LOGIN.fullmatch(login):
        raise NotYoursError(f"Nobody can be called {login} here.")
    if queries.is_card(login) or User.objects.filter(username__iexact=login).exists():
        raise NotYoursError(f"The name {login} is taken.")
    # An address that is another's already leads letters, and a provider, to him alone.
    taken = User.objects.filter(email__iexact=arrival.mail).exists()
    mail = "" if taken else arrival.mail
    try:
        with transaction.atomic():
            user = User.objects.create_user(login, email=mail, first_name=arrival.name[:150])
    except IntegrityError as fault:  # he came twice in one moment
        raise NotYoursError(f"The name {login} is taken.") from fault
    people.give(user, ["requester"], by=arrival.door)
    return user


def placed(user: User, groups: frozenset[str], declared: Logins, door: Door) -> LoginsError | None:
    """Give an account the roles of these groups; returns what to say to whoever has none."""
    if not declared.roles:
        return None
    roles = wanted(groups, declared)
    people.give(user, roles, by=door)
    return None if roles else NoPlaceError(f"No group of {user.username} has a role here.")
