"""A fake iTop as a site has it: an organization, a team, and the person we are."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.tickets.itop import session
from adapters.tickets.itop.capabilities import stands_on
from adapters.tickets.itop.models import Mirrored
from tests.doubles.itop.server import TOKEN, Itop, served

ADAPTER = "adapters.tickets.itop.desk"


@dataclass
class House:
    """The fake, and the ids of what is in it."""

    itop: Itop
    org: int
    team: int
    agent: int

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return what the settings say of this iTop."""
        return {"adapter": ADAPTER, "url": self.itop.address, "token": TOKEN, **more}

    def object(self, itop_class: str) -> dict[str, Any]:
        """Return the one object of a class."""
        (found,) = self.objects(itop_class)
        return found

    def objects(self, itop_class: str) -> list[dict[str, Any]]:
        """Return the objects of a class, oldest first."""
        kept = sorted(self.itop.objects.items())
        return [one for _, one in kept if one["finalclass"] == itop_class]

    def put(self, ref: str, state: str) -> None:
        """Put the object of a ticket into the state that ours stands on, as last seen."""
        mirrored = Mirrored.objects.get(ticket_id=ref)
        status = stands_on(mirrored.itop_class, state)
        self.itop.objects[mirrored.itop_id or 0]["status"] = status
        Mirrored.objects.filter(ticket_id=ref).update(status=status)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Have nothing that is done within the block stay, as a transaction rolls ours back.

        Else every line of a move that was undone here would be read from there with the next one.
        """
        kept = copy.deepcopy(self.itop.objects)
        try:
            yield
        finally:
            self.itop.objects.clear()
            self.itop.objects.update(kept)

    def log(self, itop_class: str, name: str = "public_log") -> list[str]:
        """Return what stands in a log of the one object of a class."""
        return [line["message"] for line in self.object(itop_class)[name]["entries"]]


@contextmanager
def housed(itop: Itop | None = None) -> Iterator[House]:
    """Serve a fake iTop with somebody in it."""
    itop = itop or Itop()
    org = itop.add("Organization", name="Demo")
    team = itop.add("Team", name="Helpdesk", org_id=org)
    agent = itop.add(
        "Person", friendlyname="Ethops", email="ethops@example.org", org_id=org, name="Ethops"
    )
    itop.add("lnkPersonToTeam", person_id=agent, team_id=team)
    itop.contact = agent
    # One that was served on this very port before had other numbers for the same names.
    session.made.cache_clear()
    with served(itop):
        yield House(itop, org, team, agent)
