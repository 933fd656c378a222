"""Follows a desk of tickets that others write to, and tells a person when that does not work."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters import registry
from adapters.rows import now
from adapters.tickets.following import Health
from ethops.desk import dispatch
from ethops.executor import elsewhere

ALL_EVERY: Final = timedelta(hours=23)
AWAY_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong; `since` tells one occasion from the next."""

    kind: str
    since: str
    title: str
    said: str


def follow() -> int:
    """Take over what people did there, and do what follows; returns how much that was."""
    follower = registry.follower()
    if not follower.follows:
        return 0
    follower.look()
    follower.forget()
    # First what is wrong: what cannot be heard is tried again with each look, and stops this one.
    watch(follower.health())
    return follower.tell(elsewhere.hear)


def follow_all() -> int:
    """Once a day compare every ticket; more often only where that did not come to its end."""
    follower = registry.follower()
    if not follower.follows:
        return 0
    last = follower.health().swept_at
    if last is None or last < now() - ALL_EVERY:
        follower.look_at_all()
    return follower.tell(elsewhere.hear)


def heed(callback: int) -> int:
    """Read what a callback is about, and do what follows."""
    follower = registry.follower()
    follower.heed(callback)
    return follower.tell(elsewhere.hear)


def watch(health: Health) -> None:
    """Give to a person what is wrong, once per occasion."""
    for alarm in alarms(health, now()):
        dispatch.open_for_person(
            occasion=f"desk:{health.system}:{alarm.kind}:{alarm.since}",
            cause=f"desk:{health.system}:{alarm.kind}",
            title=alarm.title,
            description=alarm.said,
            facts={"system": health.system, "trouble": alarm.kind},
        )


def alarms(health: Health, at: datetime) -> Iterator[Alarm]:
    """Yield what is wrong with the other desk, or with our following it. Pure."""
    name = health.system
    yield from _of_following(health, at)
    if health.cron == "stale":
        said = (
            f"{health.cron_said} Nothing escalates there, and no mail is sent. Look at its cron.php"
            " and its log."
        )
        yield Alarm(
            "cron", f"{health.cron_at}", f"The background tasks of {name} stand still", said
        )
    if health.missing:
        said = (
            f"{health.missing} of {health.mirrored} tickets were not to be seen there at the last"
            " look at all of them. That many are not believed deleted: nothing was changed here."
            " Has the right of our user, or what he may see, become less?"
        )
        yield Alarm("missing", f"{health.swept_at}", f"{name} hides tickets of ours", said)
    if health.swept_at is not None and health.swept_at < at - 2 * ALL_EVERY:
        said = (
            f"All of its tickets were last compared at {health.swept_at:%Y-%m-%d %H:%M} UTC. What"
            " was deleted there since, or changed unseen, is not known here. See the log for why."
        )
        yield Alarm("sweep", f"{health.swept_at}", f"{name} was not compared lately", said)


def _of_following(health: Health, at: datetime) -> Iterator[Alarm]:
    if health.faulty_since is None or health.faulty_since >= at - AWAY_AFTER:
        return
    since = f"{health.faulty_since:%Y-%m-%dT%H:%M}"
    waits = f"{health.said} {health.waiting} writes wait for it, in order, and are told once it"
    if health.polled_at is not None and health.polled_at > at - AWAY_AFTER:
        # It is read all the same: only what we have to say is not taken.
        title = f"{health.system} is not told everything"
        yield Alarm("untold", since, title, f"{waits} takes them.")
    else:
        said = f"{waits} is back. What people do there is not seen until then."
        yield Alarm("away", since, f"{health.system} cannot be followed", said)
