"""The desk's look at an iTop's CMDB: kept in rows, and a person asked where much is gone."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from adapters import conf
from adapters.cmdb.itop import mirror
from adapters.cmdb.itop.kinds import SOURCE
from adapters.cmdb.models import Synced
from adapters.errors import AdapterError
from adapters.rows import select
from adapters.tickets.itop.names import lived_twice
from adapters.tickets.itop.session import session
from ethops.desk import dispatch

log = logging.getLogger(__name__)


def watch() -> None:
    """Bring the mirror up to date, where the settings name an iTop."""
    if not conf.options("tickets").get("url"):
        return
    try:
        bring()
    except AdapterError as fault:
        # Rows are as old as their last look says; the next one is in a minute.
        log.warning("iTop's CMDB cannot be read: %s: %s", fault.code, fault)


def bring(*, whole: bool = False) -> tuple[mirror.Read, ...]:
    """Read what has changed there, and ask a person about each class that stands still.

    Raises:
        AdapterError: iTop cannot be asked at all.
    """
    here = session()
    twice = partial(lived_twice, zone=here.names.zone())
    done = mirror.sync(here.client, twice, whole=whole)
    for stand in Synced.objects.filter(source=SOURCE, state="asks"):
        _ask(stand)
    return done


def confirm(*, itop_class: str, person: str, why: str) -> int:
    """Say in a person's name, on record, that what is missing of a class is gone indeed."""
    (done,) = select(
        "SELECT cmdb.confirm(%s, %s, %s, %s) AS things", [person, SOURCE, itop_class, why]
    )
    return int(done["things"])


def stands() -> list[Mapping[str, Any]]:
    """Return how each class stands."""
    names = ("their_class", "state", "whole_at", "checked_at", "said")
    found = Synced.objects.filter(source=SOURCE).order_by("their_class")
    return [
        {**{name: getattr(one, name) for name in names}, "missing": len(one.missing)}
        for one in found
    ]


def _ask(stand: Synced) -> None:
    dispatch.open_for_person(
        occasion=f"cmdb:{stand.source}:{stand.their_class}:{stand.said}:{stand.whole_at}",
        cause=f"cmdb:{stand.source}:{stand.their_class}:gone",
        title=f"Much of {stand.their_class} is gone from iTop",
        description=(
            f"Of the class {stand.their_class}, {stand.said}. That may be an answer cut short, or a"
            " right that was taken from the token. Nothing was taken away, and the class is not"
            " read until a person has looked. If it is so, say"
            f" `manage.py cmdb confirm {stand.their_class} --why ...`."
        ),
        facts={"class": stand.their_class, "missing": len(stand.missing), "said": stand.said},
    )
