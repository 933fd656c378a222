"""Whether a person has pressed the stop: the file works when nothing else does."""

import logging

from django.db import DatabaseError, connection

from ethops.executor import conf
from personas import gate

log = logging.getLogger(__name__)


def by_file() -> bool:
    """Tell whether the stop file is there."""
    return conf.executor().stop_file.exists()


def is_pressed() -> bool:
    """Tell whether either the file or the row says stop; a dead database says nothing."""
    if by_file():
        return True
    try:
        return gate.stopped()
    except DatabaseError as fault:
        log.warning("the stop's row cannot be read: %s", fault)
        connection.close()
        return False
