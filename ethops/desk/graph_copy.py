"""The desk's care for a graph that answers from a copy: kept up to date, and a person told."""

import logging
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from adapters import registry
from adapters.graph.errors import GraphAwayError, GraphBusyError
from ethops.desk import dispatch

log = logging.getLogger(__name__)


def watch() -> None:
    """Write what differs in the copy; where that cannot be done, give it to a person."""
    try:
        registry.copier().keep()
    except GraphBusyError as fault:
        # It is being brought up to date; how old it may become is watched by who asks it.
        log.info("the graph's copy is left to who is at it: %s", fault)
    except GraphAwayError as fault:
        log.warning("the graph's copy is not brought up to date: %s", fault)
        _tell(fault)


def keep() -> int:
    """Write what differs in the copy now; return how many places differed.

    Raises:
        GraphAwayError: the server does not answer, or refuses.
        GraphBusyError: another is at it; nothing was done.
    """
    return registry.copier().keep()


def stands() -> Mapping[str, Any]:
    """Return how the copy stands; empty where the graph answers from none.

    Raises:
        GraphAwayError: the server does not answer, or refuses.
    """
    found = registry.copier().state()
    if found is None:
        return {}
    return {
        "at": found.at.isoformat(),
        "age_s": found.age_s,
        "places": found.places,
        "edges": found.edges,
    }


def _tell(fault: GraphAwayError) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    dispatch.open_for_person(
        occasion=f"graph:copy:{hour:%Y-%m-%dT%H}",
        cause="graph:copy",
        title="The copy of what stands on what is not brought up to date",
        description=(
            f"{fault}. {fault.hint} Until then storms fold by labels alone, runs are told nothing"
            " of what stands around a CI, and once the copy is older than it may be it is asked"
            " nothing any more."
        ),
        facts={"code": fault.code},
    )
