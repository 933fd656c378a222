"""Who is in the directory no longer, or in other groups, is that here too within minutes."""

import logging
import threading
from typing import Final

from django.contrib.auth.models import User
from django.db import connection, transaction

from ethops.logins import conf, directory, doors, joining, people
from ethops.logins.declared import Logins
from ethops.logins.errors import DirectoryAwayError

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
    for name in doors.of("ldap").values_list("username", flat=True):
        try:
            entry = directory.find(declared.ldap, name.casefold(), declared.roles)
        except DirectoryAwayError as fault:
            log.warning("the directory was not read again: %s", fault)
            return asked
        _set(name, None if entry is None else entry.groups, declared)
        asked += 1
    return asked


@transaction.atomic
def _set(name: str, groups: frozenset[str] | None, declared: Logins) -> None:
    user = User.objects.select_for_update().filter(username=name).first()
    if user is None or user.is_superuser:
        return
    # Whoever was called otherwise here meanwhile is nobody whom the directory knows by that name.
    if groups is None or not doors.opens(user, "ldap", name.casefold()):
        if user.is_staff or user.groups.exists():
            people.give(user, (), by="ldap")
            doors.end_sessions(user)
        return
    joining.placed(user, groups, declared, "ldap")
