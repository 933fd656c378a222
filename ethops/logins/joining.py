"""Who comes with a provider's word: which account is his, and what he may from now on.

An account belongs to one door. Who has a password here, and every superuser, is let in by it alone,
so that who runs a provider cannot take a person's place here by giving somebody his address.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from ethops.logins import people
from ethops.logins.declared import Provider
from ethops.logins.errors import LoginsError, NoPlaceError, NotYoursError, UnknownPersonError
from personas import queries


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a provider vouches for about somebody."""

    mail: str
    groups: frozenset[str]
    name: str = ""


def admitted(arrival: Arrival, provider: Provider) -> User:
    """Return the account of whoever comes, with the roles of his groups.

    Raises:
        UnknownPersonError: he has none, and newcomers get none.
        NotYoursError: there is one, and it is not the provider's to open.
        NoPlaceError: none of his groups has a role here; those he had are taken.
    """
    with transaction.atomic():
        user = _account(arrival, provider)
        fault = _placed(user, arrival.groups, provider)
    # Only now: roles that were taken away stay so.
    if fault is not None:
        raise fault
    return User.objects.get(pk=user.pk)


def wanted(groups: Iterable[str], provider: Provider) -> set[str]:
    """Return the roles of these groups; a requester's where there are none and newcomers are."""
    found: set[str] = {provider.roles[one] for one in groups if one in provider.roles}
    return found or ({"requester"} if provider.newcomers == "requester" else set())


def _account(arrival: Arrival, provider: Provider) -> User:
    there = list(User.objects.select_for_update().filter(email__iexact=arrival.mail)[:2])
    if len(there) > 1:
        raise NotYoursError(f"Several accounts have the address {arrival.mail}.")
    if there:
        if there[0].is_superuser or there[0].has_usable_password() or not there[0].is_active:
            raise NotYoursError(f"The account of {arrival.mail} is not opened this way.")
        return there[0]
    if provider.newcomers == "refuse":
        raise UnknownPersonError(f"Nobody here has the address {arrival.mail}.")
    login = arrival.mail.casefold()
    if queries.is_card(login) or User.objects.filter(username__iexact=login).exists():
        raise NotYoursError(f"The name {login} is taken.")
    user = User.objects.create_user(login, email=arrival.mail, first_name=arrival.name[:150])
    people.give(user, ["requester"], by="oidc")
    return user


def _placed(user: User, groups: frozenset[str], provider: Provider) -> LoginsError | None:
    if not provider.roles:
        return None
    roles = wanted(groups, provider)
    people.give(user, roles, by="oidc")
    return None if roles else NoPlaceError(f"No group of {user.username} has a role here.")
