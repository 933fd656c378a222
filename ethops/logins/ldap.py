"""Logins by a directory: the same form and bounds, and never an account of this house."""

from typing import Any, Final

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from ethops.logins import conf, directory, doors, joining
from ethops.logins.directory import Entry
from ethops.logins.joining import Arrival
from ethops.logins.oidc import ADDRESS

LONGEST: Final = 1_000
"""No password is longer; Django's own form would take one of any length."""


class DirectoryBackend(ModelBackend):
    """Takes the word of the declared directory, for names that are none of this house's."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> User | None:
        """Return who has this name and password there.

        Raises:
            LoginsError: the directory is away, or he has no place here.
        """
        del request, more
        declared = conf.logins()
        name = (username or "").casefold()
        if declared.ldap is None or not password or len(password) > LONGEST:
            return None
        # What was typed for an account of this house is nobody else's to see.
        if not joining.LOGIN.fullmatch(name) or not _is_free(name):
            return None
        entry = directory.proven(declared.ldap, name, password, declared.roles)
        return None if entry is None else joining.admitted(_arrival(entry), declared)

    def get_user(self, user_id: int) -> User | None:
        """Return whose session this is; nobody's where no directory is declared any more."""
        if conf.logins().ldap is None:
            return None
        found = super().get_user(user_id)
        return found if isinstance(found, User) else None


def _is_free(name: str) -> bool:
    there = User.objects.filter(username__iexact=name)
    return all(doors.may_open(one, "ldap") for one in there)


def _arrival(entry: Entry) -> Arrival:
    mail = entry.mail if ADDRESS.fullmatch(entry.mail) else ""
    return Arrival(
        "ldap", entry.subject, entry.login, mail, entry.groups, entry.name, formerly=entry.login
    )
