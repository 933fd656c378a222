"""Follows pull requests to their end: what people do at a forge elsewhere is taken over from there.

Seen is not believed: a review there approves nothing here, and a pull request that is not to be
found is neither merged nor closed.
"""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db import DataError, transaction
from django.db.models import F, Q, QuerySet

from adapters import registry, turns
from adapters.forge.errors import ForgeError, PullNotFoundError
from adapters.forge.port import Reader, Review, Seen
from adapters.rows import now
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
TURN: Final = timedelta(minutes=5)
"""So long a look keeps others off at most; one that died is over then."""
IN_A_ROW: Final = 3
"""So many without an answer end a look: it is not they, it is the forge."""
AWAY_AFTER: Final = 10
MISSING_AFTER: Final = 10
UNREAD_AFTER: Final = 10
"""Looks in a row after which a person is told."""
TOLD_AFTER: Final = 20
"""So many orders to tell a ticket are made; `gate.retell_pulls` makes no more."""


def watch() -> None:
    """See what has become of those elsewhere, and that every end is told."""
    try:
        follow()
    finally:
        tell()


def tell() -> None:
    """Order again what told no ticket; people hear of it with the order, or not even that is."""
    with transaction.atomic():
        for key in doors.retell():
            _untold(Followed.objects.get(pk=key))


def follow() -> None:
    """Look at those that were asked for longest ago, where nobody else does."""
    doors.follow()
    due = list(_due()[:AT_ONCE])
    if not due:
        return
    ForgeLook.objects.get_or_create(id=1)
    row = ForgeLook.objects.filter(id=1)
    until = turns.take(row, TURN)
    if until is None:
        return
    try:
        _follow(due)
    finally:
        turns.give_back(row, until)


def _follow(due: Sequence[Followed]) -> None:
    try:
        reader = registry.forge_reader()
    except (ForgeError, OSError) as fault:
        _is_away(fault)
        return
    if "review" in reader.capabilities:
        # The forge is here now: those that were opened elsewhere are nobody's to ask for.
        return
    answered, unread = _ask(reader, due)
    if unread and not answered:
        _is_away(unread[-1][1])
        return
    # It answers for others: what cannot be read are these.
    for pull, why in unread:
        _is_unread(pull, why)
    ForgeLook.objects.update_or_create(
        id=1, defaults={"at": now(), "misses": 0, "away_since": None, "said": ""}
    )


def _ask(reader: Reader, due: Sequence[Followed]) -> tuple[bool, list[tuple[Followed, Exception]]]:
    """Return whether one was answered for, and which were not, and why."""
    answered = False
    unread: list[tuple[Followed, Exception]] = []
    row, until = 0, time.monotonic() + SECONDS
    for pull in due:
        if row == IN_A_ROW or time.monotonic() > until:
            break
        # First of all: whatever comes of it, the next look begins with another.
        Followed.objects.filter(pk=pull.pk).update(asked_at=now())
        try:
            _look(reader, pull)
            answered, row = True, 0
        except (ForgeError, OSError, DataError) as fault:
            log.warning("pull request %s cannot be read: %s", pull.number, fault)
            unread.append((pull, fault))
            row += 1
    return answered, unread


def _due() -> QuerySet[Followed]:
    may_change = Q(state="open") | Q(state="closed", ended_at__gt=now() - REOPENED_WITHIN)
    rows = Followed.objects.filter(may_change).exclude(url="")
    return rows.order_by(F("asked_at").asc(nulls_first=True), "key")


def _look(reader: Reader, pull: Followed) -> None:
    at = now()
    try:
        seen = reader.look(pull.number)
    except PullNotFoundError:
        seen = None
    if seen is None or seen.key != pull.key:
        # Of another key it is another repository, where this number is somebody else's.
        _is_missing(pull)
        return
    mark, reviews = _news(reader, pull, seen)
    what = doors.see(pull.key, seen, at=at, mark=mark, reviews=reviews)
    if what:
        log.info("pull request %s was %s at the forge", pull.number, what)


def _news(reader: Reader, pull: Followed, seen: Seen) -> tuple[str, Sequence[Review] | None]:
    """Return how it is marked now, and what was said there, where it is marked otherwise."""
    if seen.mark == pull.mark or seen.state != "open":
        return seen.mark, None
    try:
        return seen.mark, reader.reviews(pull.number)
    except ForgeError as fault:
        log.warning("what was said of pull request %s is not known: %s", pull.number, fault)
        return pull.mark, None


def _is_missing(pull: Followed) -> None:
    """Count it, and have a person look: a right that was taken away looks the same."""
    Followed.objects.filter(pk=pull.pk).update(missing=F("missing") + 1)
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


def _is_unread(pull: Followed, fault: Exception) -> None:
    """Count it, and have a person look where this one alone goes on not being read."""
    Followed.objects.filter(pk=pull.pk).update(unread=F("unread") + 1)
    if pull.unread + 1 < UNREAD_AFTER:
        return
    dispatch.open_for_person(
        occasion=f"forge:unread:{pull.key}:{pull.ends}",
        cause=f"forge:unread:{pull.key}",
        title=f"Pull request {pull.number} cannot be read at the forge",
        description=(
            f"{pull.title}, opened for {pull.ticket_ref or 'no ticket'}: {pull.url}. The forge"
            f" answers for others, and ten looks in a row could not read this one: {_said(fault)}."
            " What becomes of it is not known here; it is looked for further. Look at it there,"
            " and write its end into the ticket by hand if it stays so."
        ),
        facts={"pull": pull.number, "ticket": pull.ticket_ref},
    )


def _said(fault: Exception) -> str:
    code = fault.code if isinstance(fault, ForgeError) else "forge.unavailable"
    return one_line(f"{code}: {fault}", 300)


def _is_away(fault: Exception) -> None:
    """Write down that it does not answer, and have a person look where that goes on."""
    said = _said(fault)
    look, _ = ForgeLook.objects.get_or_create(id=1)
    look.at, look.misses, look.said = now(), look.misses + 1, said
    look.away_since = look.away_since or look.at
    look.save(update_fields=["at", "misses", "said", "away_since"])
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
    is_last = pull.tries >= TOLD_AFTER
    by_hand = (
        f"{pull.tries} orders to write that into {pull.ticket_ref} came to nothing, and it is not"
        f" ordered again. Write into {pull.ticket_ref} by hand what became of it"
        f" ({pull.url or f'/pulls/{pull.number}/'}); a change whose pull requests are all over is"
        " moved on by hand too."
    )
    again = (
        f"{pull.tries} orders to write that into {pull.ticket_ref} came to nothing. Up to"
        f" {TOLD_AFTER} are made, with an hour between the last ones; should the last one come to"
        " nothing, you are told. See the actions `pull.tell` of the ticket."
    )
    notices.tell(
        rule="pull",
        key=f"untold:{pull.key}:{pull.ends}" + (":last" if is_last else ""),
        ticket_ref=pull.ticket_ref,
        title=f"{pull.ticket_ref} could not be told of pull request {pull.number}",
        text=f"It is {pull.state}. {by_hand if is_last else again}",
    )
