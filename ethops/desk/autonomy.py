"""What the desk looks after every second on behalf of autonomy: limits, and the fleet's breaker."""

import logging
import threading

from django.db import DatabaseError, connection, transaction

from adapters.errors import AdapterError
from ethops.desk import dispatch, judgements
from ethops.executor import stop as pressed
from personas.autonomy import doors
from personas.autonomy.models import Breaker

PERIOD_SECONDS = 1.0

log = logging.getLogger(__name__)


def run(stop: threading.Event) -> None:
    """Look every second until `stop` is set; the caller runs it again after an error."""
    try:
        while not stop.wait(PERIOD_SECONDS):
            look_once()
    finally:
        connection.close()


def look_once() -> None:
    """Look after each thing once; one that fails does not keep the others from being looked at."""
    for look in (_limits, _stop_file, judgements.judge_due, _breaker):
        try:
            look()
        except (DatabaseError, AdapterError):
            log.exception("%s failed and is tried again", look.__name__)
            connection.close_if_unusable_or_obsolete()


def _limits() -> None:
    if ended := doors.end_over_limit():
        log.warning("%s runs were at a limit and have ended", ended)


def _stop_file() -> None:
    """A stop by file alone is one on record, and for processes on other hosts, too."""
    if (found := pressed.seen_file()) is not None:
        doors.note_stop_file(says=found.says, at=found.at, via=found.via)


def _breaker() -> None:
    if doors.mind_breaker() == "open":
        tell_of_breaker(doors.breaker())


def tell_of_breaker(breaker: Breaker) -> None:
    """Give an open breaker to a person, once per opening; what fails is tried again."""
    if breaker.ticket_ref or breaker.state != "open":
        return
    try:
        with transaction.atomic():
            ref = dispatch.open_for_person(
                occasion=f"breaker:{breaker.since:%Y-%m-%dT%H:%M:%S.%f}",
                title="The breaker of the fleet is open: no agent changes anything",
                description=(
                    f"{breaker.reason}. Agents go on to comment and to escalate. Find out what is"
                    " wrong, then close it on the page Autonomy or by"
                    " `manage.py personas breaker close --by NAME --why TEXT`."
                ),
                facts={"rule": breaker.rule, "reason": breaker.reason, "by": breaker.by},
                cause="breaker",
            )
            doors.note_breaker_ticket(since=breaker.since, ticket_ref=ref)
    except (DatabaseError, AdapterError) as fault:
        log.warning("the open breaker could not be given to a person: %s", fault)
