"""Keeps up with an iTop: one at a time, on record how far, and whatever died goes on later."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

from django.db import Error, transaction

from adapters import turns
from adapters.rows import now
from adapters.tickets import following
from adapters.tickets.errors import TicketError
from adapters.tickets.itop import backlog, callbacks, cron, follow, ids
from adapters.tickets.itop.models import Callback, Following, Mirrored, News, Waiting
from adapters.tickets.itop.session import Session, session, site

LOOK: Final = timedelta(seconds=120)
ALL: Final = timedelta(seconds=ids.BUDGET_S + 120)
"""So long somebody who follows is believed to be at it."""
CRON_EVERY: Final = timedelta(seconds=60)
LATE: Final = timedelta(minutes=5)
BEFORE: Final = timedelta(hours=26)
"""Where an iTop is empty at first, we begin this far back: its clock may be of any zone."""


class Keeper:
    """Follows the iTop that the settings name."""

    follows = True

    def look(self) -> following.Looked:
        """Tell what waits, and take over what was changed there since the last look."""
        at = _begin(LOOK)
        if at is None:
            return following.Looked()
        try:
            here = session()
            drained = backlog.drain_all(here)
            zone = here.names.zone()
            done = follow.poll(here, follow.window(at.reached, at.polled_at, now(), zone))
            _came_to(at, done, here, drained.fault)
            _mind_cron(at, here)
        except TicketError as error:
            return _failed(at, error)
        finally:
            _end(at)
        return following.Looked(done.pages, done.changed, drained.told, drained.waiting)

    def look_at_all(self) -> following.Looked:
        """Compare every ticket there with ours."""
        at = _begin(ALL)
        if at is None:
            return following.Looked()
        try:
            if not at.began:
                return following.Looked(fault="It is not followed yet.")
            done, missing = ids.sweep(session(), at.began)
            if done.whole:
                at.swept_at, at.missing = now(), missing
                at.left_out = dict(list(done.left_out.items())[:_LISTED])
                at.save(update_fields=["swept_at", "missing", "left_out"])
        except TicketError as error:
            return _failed(at, error)
        finally:
            _end(at)
        return following.Looked(done.pages, done.changed)

    def heed(self, callback: int) -> None:
        """Read again what a stored callback is about."""
        callbacks.heed(callback)

    def tell(self, hear: Callable[[following.News], None]) -> int:
        """Hand over what was not heard yet; what cannot be heard holds up nothing else."""
        told, fault = 0, None
        for pk in list(News.objects.order_by("id").values_list("pk", flat=True)):
            try:
                told += _tell_one(pk, hear)
            except (TicketError, Error) as error:
                fault = fault or error
        if fault is not None:
            raise fault
        return told

    def health(self) -> following.Health:
        """Return how it stands, from rows alone."""
        at = Following.objects.filter(url=site()).first() or Following(url=site())
        state, said = standing(at.polled_at, at.faulty_since, at.fault, now())
        calls = Callback.objects.order_by("-last_at")
        return following.Health(
            system="iTop",
            state=state,
            said=said,
            polled_at=at.polled_at,
            swept_at=at.swept_at,
            faulty_since=at.faulty_since,
            waiting=Waiting.objects.filter(outage=True).count(),
            refused=Waiting.objects.filter(outage=False).count(),
            untold=News.objects.count(),
            mirrored=Mirrored.objects.count(),
            missing=int(cast("Any", at.missing)) if at.polled_at else 0,
            left_out=len(at.left_out),
            cron=cast("Literal['alive', 'stale', 'unknown']", at.cron_state)
            if at.cron_looked_at
            else "unknown",
            cron_at=at.cron_at,
            cron_said=str(at.cron_said) if at.cron_looked_at else "",
            callbacks=calls.count(),
            unreadable=calls.filter(state="unreadable").count(),
            called_at=calls.values_list("last_at", flat=True).first(),
        )

    def forget(self) -> int:
        """Delete callbacks beyond what is kept."""
        return callbacks.forget()


_LISTED: Final = 100
"""So many objects that were left out are named; the rest are like them."""


def standing(
    polled_at: datetime | None, faulty_since: datetime | None, fault: str, at: datetime
) -> tuple[following.Well, str]:
    """Return how following stands, in a word and a sentence. Pure."""
    if faulty_since is not None:
        return "away", f"Since {faulty_since:%Y-%m-%d %H:%M:%S}Z: {fault}"
    if polled_at is None:
        return "new", "It was not looked at yet."
    if polled_at < at - LATE:
        return "late", "No look has come to its end lately: are control and beat running?"
    return "well", "What people do there is taken over."


def _begin(takes: timedelta) -> Following | None:
    """Claim the following of this iTop; None where somebody is at it."""
    row = Following.objects.filter(url=site())
    Following.objects.get_or_create(url=site())
    return row.get() if turns.take(row, takes) else None


def _end(at: Following) -> None:
    turns.give_back(Following.objects.filter(url=at.url), at.busy_until)


def _came_to(at: Following, done: follow.Round, here: Session, untold: TicketError | None) -> None:
    """Keep how far it was followed; the next look begins there.

    An iTop that is read well and told nothing is not well: a person hears of it, too.
    """
    clock = here.names.moment(now())
    if not at.began:
        back = here.names.moment(now() - BEFORE)
        at.began = min(done.newest or back, back)
        done.newest = done.newest or back
    if done.whole:
        # A clock that was wrong for a while may not lead us past what is still to come.
        reached = min(max(done.newest, at.reached), clock)
        at.reached = min(reached, done.held or reached)
        at.polled_at = now()
    at.fault = f"{untold.code}: {untold}"[:1000] if untold else ""
    at.faulty_since = (at.faulty_since or now()) if untold else None
    at.pages, at.changed = done.pages, done.changed
    at.left_out = dict([*at.left_out.items(), *done.left_out.items()][-_LISTED:])
    at.save(
        update_fields=[
            *("began", "reached", "polled_at", "fault", "faulty_since", "pages", "changed"),
            "left_out",
        ]
    )


def _mind_cron(at: Following, here: Session) -> None:
    if at.cron_looked_at is not None and at.cron_looked_at > now() - CRON_EVERY:
        return
    found = cron.look(here)
    at.cron_looked_at = now()
    at.cron_state, at.cron_at, at.cron_said = found.state, found.at, found.said
    at.save(update_fields=["cron_looked_at", "cron_state", "cron_at", "cron_said"])


def _failed(at: Following, error: TicketError) -> following.Looked:
    said = f"{error.code}: {error}"[:1000]
    at.fault, at.faulty_since = said, at.faulty_since or now()
    at.save(update_fields=["fault", "faulty_since"])
    waiting = Waiting.objects.filter(outage=True).count()
    return following.Looked(waiting=waiting, fault=said)


@transaction.atomic
def _tell_one(pk: int, hear: Callable[[following.News], None]) -> bool:
    row = News.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if row is None:
        return False
    what = cast("Literal['born', 'changed', 'gone']", row.what)
    hear(
        following.News(
            ref=row.mirrored_id,
            what=what,
            before=row.before,
            state=row.state,
            assignee_before=row.assignee_before,
            assignee=row.assignee,
            attributes=tuple(row.attributes),
            lines=row.lines,
        )
    )
    row.delete()
    return True
