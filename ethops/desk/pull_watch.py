"""Follows pull requests to their end: what people do at a forge elsewhere is taken over from there.

Seen is not believed: a review there approves nothing here, and a pull request that is not to be
found is neither merged nor closed.
"""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from adapters import registry
from adapters.forge.errors import ForgeError, PullNotFoundError
from adapters.forge.port import Reader, Review, Seen
from adapters.text import one_line
from ethops.desk import dispatch, notices
from ethops.pulls import doors
from ethops.pulls.models import Followed, ForgeLook

log = logging.getLogger(__name__)

AT_ONCE: Final = 20
SECONDS: Final = 20.0
"""So long one look goes on asking; what it did not come to is first in the next one."""
REOPENED_WITHIN: Final = timedelta(days=7)
"""So long one that was closed is still looked at: people open them again."""
AWAY_AFTER: Final = 10
MISSING_AFTER: Final = 10
"""Looks in a row after which a person is told."""


def watch() -> None:
    """See what has become of those elsewhere, and that every end is told."""
    follow()
    for key in doors.retell():
        _untold(Followed.objects.get(pk=key))


def follow() -> int:
    """Look at those that were seen longest ago; returns how many were seen."""
    doors.follow()
    due = list(_due()[:AT_ONCE])
    if not due:
        return 0
    seen, until = 0, time.monotonic() + SECONDS
    try:
        reader = registry.forge_reader()
        if "review" in reader.capabilities:
            # The forge is here now: those that were opened elsewhere are nobody's to ask for.
            return 0
        for pull in due:
            if time.monotonic() > until:
                break
            seen += _look(reader, pull)
    except (ForgeError, OSError) as fault:
        _is_away(fault)
        return seen
    ForgeLook.objects.update_or_create(
        id=1, defaults={"at": timezone.now(), "misses": 0, "away_since": None, "said": ""}
    )
    return seen


def _due() -> QuerySet[Followed]:
    may_change = Q(state="open") | Q(state="closed", ended_at__gt=timezone.now() - REOPENED_WITHIN)
    rows = Followed.objects.filter(may_change).exclude(url="")
    return rows.order_by(F("seen_at").asc(nulls_first=True), "key")


def _look(reader: Reader, pull: Followed) -> bool:
    try:
        now = reader.look(pull.number)
    except PullNotFoundError:
        return _is_missing(pull)
    if now.key != pull.key:
        # Another repository, where this number is somebody else's.
        return _is_missing(pull)
    mark, reviews = _news(reader, pull, now)
    what = doors.see(pull.key, now, mark=mark, reviews=reviews)
    if what:
        log.info("pull request %s was %s at the forge", pull.number, what)
    return True


def _news(reader: Reader, pull: Followed, now: Seen) -> tuple[str, Sequence[Review] | None]:
    """Return how it is marked now, and what was said there, where it is marked otherwise."""
    if now.mark == pull.mark or now.state != "open":
        return now.mark, None
    try:
        return now.mark, reader.reviews(pull.number)
    except ForgeError as fault:
        log.warning("what was said of pull request %s is not known: %s", pull.number, fault)
        return pull.mark, None


def _is_missing(pull: Followed) -> bool:
    """Count it, and have a person look: a right that was taken away looks the same."""
    Followed.objects.filter(pk=pull.pk).update(missing=F("missing") + 1, seen_at=timezone.now())
    if pull.missing + 1 == MISSING_AFTER:
        dispatch.open_for_person(
            occasion=f"forge:missing:{pull.key}:{pull.ends}",
            cause=f"forge:missing:{pull.key}",
            title=f"Pull request {pull.number} is not to be found at the forge",
            description=(
                f"{pull.title}, opened for {pull.ticket_ref or 'no ticket'}: {pull.url}. It was"
                " looked for ten times. It is believed neither merged nor closed, and"
                " looked for further. Was it taken away there, is the forge another one now, or"
                " may our token no longer read it?"
            ),
            facts={"pull": pull.number, "ticket": pull.ticket_ref},
        )
    return False


def _is_away(fault: Exception) -> None:
    """Write down that it does not answer, and have a person look where that goes on."""
    code = fault.code if isinstance(fault, ForgeError) else "forge.unavailable"
    said = one_line(f"{code}: {fault}", 300)
    look, _ = ForgeLook.objects.get_or_create(id=1)
    look.at, look.misses, look.said = timezone.now(), look.misses + 1, said
    look.away_since = look.away_since or look.at
    look.save()
    log.warning("the forge cannot be asked: %s", said)
    if look.misses < AWAY_AFTER:
        return
    since = f"{look.away_since:%Y-%m-%d %H:%M} UTC"
    dispatch.open_for_person(
        occasion=f"forge:away:{since}",
        cause="forge:away",
        title="The forge cannot be asked",
        description=(
            f"Since {since} it does not say what became of our pull requests: {said}. What people"
            " merge or close there is taken over once it answers; nothing is lost meanwhile."
        ),
        facts={"since": since, "misses": look.misses},
    )


def _untold(pull: Followed) -> None:
    notices.tell(
        rule="pull",
        key=f"untold:{pull.key}:{pull.ends}",
        ticket_ref=pull.ticket_ref,
        title=f"{pull.ticket_ref} could not be told of pull request {pull.number}",
        text=(
            f"It is {pull.state}, and three orders to write that into {pull.ticket_ref} came to"
            " nothing. It is ordered again; see the actions `pull.tell` of the ticket."
        ),
    )
