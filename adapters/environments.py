"""Environments as a site file declares them: places for runs, and which CIs are whose."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from pydantic import Field

from adapters.cmdb.declared import Slug
from adapters.declared import Declaration

OPERATIONS: Final = "operations"
"""Of every run about CIs that no other environment has."""
NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,59}$"
USUAL: Final = (4, 100)
"""At once, and waiting."""
USUAL_IN_OPERATIONS: Final = (32, 1000)


class DeclaredEnvironment(Declaration):
    """How many runs are at work there at once, how many may wait, and which CIs are its own.

    One without CIs has the runs alone that are asked for in its name.
    """

    name: Annotated[str, Field(pattern=NAME)]
    at_once: Annotated[int, Field(ge=1, le=1000)] | None = None
    queued: Annotated[int, Field(ge=1, le=100_000)] | None = None
    cis: Annotated[tuple[Slug, ...], Field(max_length=1000)] = ()
    """Refs; a CI that is named here is of no environment that names its class."""
    classes: Annotated[tuple[Slug, ...], Field(max_length=100)] = ()

    @property
    def bounds(self) -> tuple[int, int]:
        """How many at once, and how many may wait."""
        at_once, queued = usual(self.name)
        return self.at_once or at_once, self.queued or queued


def usual(name: str) -> tuple[int, int]:
    """Return the bounds of an environment for which nobody has said any."""
    return USUAL_IN_OPERATIONS if name == OPERATIONS else USUAL


Loc = tuple[str | int, ...]


def names(environments: Iterable[DeclaredEnvironment]) -> Iterator[tuple[Loc, str, str]]:
    """Yield everything that is named once, where it stands: place, kind, name."""
    for number, one in enumerate(environments):
        place = ("environments", number)
        yield (*place, "name"), "environment", one.name
        for at, ref in enumerate(one.cis):
            yield (*place, "cis", at), "environment of CI", ref
        for at, ci_class in enumerate(one.classes):
            yield (*place, "classes", at), "environment of class", ci_class
