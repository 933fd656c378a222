"""Which promise holds for a ticket: a table of targets, and one look into it. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ethops.sla.stopwatch import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Promise(Generic[T]):
    """One line of the table; `row` is what the caller knows it by."""

    ticket_class: str
    priority: str
    service: str
    """Its slug; empty for every service."""
    declared: bool
    """It stands in the site file, and goes before what was made at the desk."""
    tto_s: int | None
    ttr_s: int | None
    row: T

    def seconds(self, kind: Kind) -> int | None:
        """Return the target of a kind; None where it promises none."""
        return self.tto_s if kind == "tto" else self.ttr_s


def chosen(
    promises: Iterable[Promise[T]],
    *,
    kind: Kind,
    ticket_class: str,
    priority: str,
    named: str,
    services: Collection[str],
) -> Promise[T] | None:
    """Return the promise that holds, for the time that is measured.

    One for the service that the ticket names goes before one for those that its CIs are of, that
    before one for all, a declared one before one of the desk, and of those that are left the
    shortest, since CIs may be of several services.
    """
    fitting = [
        one
        for one in promises
        if one.ticket_class == ticket_class
        and one.priority == priority
        and one.seconds(kind) is not None
        and (not one.service or one.service in services)
    ]
    return min(
        fitting,
        key=lambda one: (
            *(not one.service or one.service != named, not one.service),
            *(not one.declared, one.seconds(kind), one.service),
        ),
        default=None,
    )
