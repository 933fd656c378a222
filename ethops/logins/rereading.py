"""Who is in the directory no longer, or in other groups, is that here too within minutes."""

import logging
import threading
from typing import Final

from django.contrib.auth.models import User
from django.db import connection, transaction

from ethops.logins import conf, directory, doors, joining, people
from ethops.logins.declared import Directory as Declared
from ethops.logins.declared import Logins
from ethops.logins.directory import Entry
from ethops.logins.errors import DirectoryAwayError, NoIdError

PERIOD_SECONDS: Final = 300.0

log = logging.getLogger(__name__)


def run(stop: threading.Event) -> None:
    """Read it again every five minutes until `stop` is set."""
    while not stop.wait(PERIOD_SECONDS):
        try:
            reread()
        finally:
            connection.close()


def reread() -> int:
    """Ask the directory about everybody it lets in; returns how many could be asked about.

    While it is away nothing is taken from anybody: sessions end by their own clocks.
    """
    declared = conf.logins()
    if declared.ldap is None:
        return 0
    asked = 0
    for user in doors.of("ldap"):
        try:
            entry = _found(user, declared.ldap, declared)
        except NoIdError as fault:
            log.warning("%s was not read again: %s", user.username, fault)
            continue
        except DirectoryAwayError as fault:
            log.warning("the directory was not read again: %s", fault)
            return asked
        _set(user, entry, declared)
        asked += 1
    return asked


def _found(user: User, there: Declared, declared: Logins) -> Entry | None:
    """Return the person of an account: by who he is; by name in accounts of earlier days alone."""
    known = doors.id_of(user)
    if known:
        return directory.again(there, known, declared.roles)
    return directory.find(there, user.username.casefold(), declared.roles)


@transaction.atomic
def _set(asked: User, entry: Entry | None, declared: Logins) -> None:
    user = User.objects.select_for_update().filter(pk=asked.pk).first()
    # Whose account has become another door's while the directory was asked is not its business.
    if user is None or user.is_superuser or doors.mark_of(user) != doors.mark_of(asked):
        return
    # Bound to a name alone and called otherwise here meanwhile, he is nobody whom it knows.
    if entry is None or not (
        doors.opens(user, "ldap", entry.subject) or doors.opens(user, "ldap", entry.login)
    ):
        if user.is_staff or user.groups.exists():
            people.give(user, (), by="ldap")
            doors.end_sessions(user)
        return
    doors.bind(user, "ldap", entry.subject)
    joining.placed(user, entry.groups, declared, "ldap")
