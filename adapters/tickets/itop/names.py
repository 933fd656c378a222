"""Names of ours and the ids that they have in an iTop; what is not there is None, never a guess."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from adapters.tickets.errors import FieldMissingError
from adapters.tickets.itop import marks
from adapters.tickets.itop.client import Client
from adapters.tickets.itop.errors import ItopUnsetError

FORMAT: Final = "%Y-%m-%d %H:%M:%S"
SINCE_BACK: Final = timedelta(hours=2)
"""So long after clocks went back the hour that is lived twice is read from its beginning."""


def lived_twice(looked_at: datetime, at: datetime, zone: ZoneInfo) -> timedelta:
    """Return by how much clocks went back since a look, or shortly before it. Pure.

    Times in iTop have no zone: of that hour what comes later may be called earlier.
    """
    before = (looked_at - SINCE_BACK).astimezone(zone).utcoffset() or timedelta()
    return max(before - (at.astimezone(zone).utcoffset() or timedelta()), timedelta())


@dataclass(frozen=True, slots=True)
class Options:
    """What a site says of its iTop; who and where we are is found where it says nothing."""

    url: str
    token: str
    user: str = ""
    org: str = ""
    team: str = ""
    agent: str = ""
    zone: str = "UTC"
    deadline_s: float = 8.0


class Names:
    """Finds ids, and keeps what was found: an id of iTop's never means another object."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client, self._options = client, options
        self._zone = ZoneInfo(options.zone)
        self._found: dict[tuple[str, str], int] = {}

    def org(self) -> int:
        """Return the organization that tickets are opened for.

        Raises:
            ItopUnsetError: it is neither set nor to be seen.
        """
        return self._own("Organization", self._options.org, "org_id", "ETHOPS_ITOP_ORG")

    def agent(self) -> int:
        """Return the person as whom we take tickets."""
        found = self._person(self._options.agent) if self._options.agent else self._myself()
        if found is None:
            raise ItopUnsetError("The person we are in iTop is not found: set ETHOPS_ITOP_AGENT.")
        return found

    def is_us(self, agent: object) -> bool:
        """Tell whether an id is that of the person as whom we take tickets."""
        try:
            return str(agent or "") == str(self.agent())
        except ItopUnsetError:
            return False

    def zone(self) -> ZoneInfo:
        """Return the zone of iTop's clock, as the settings have it."""
        return self._zone

    def assigned_to(self, team: str, assignee: str) -> tuple[int, int]:
        """Return team and agent for what is given to somebody; ours where iTop has none so called.

        Raises:
            FieldMissingError: iTop would take it, and nobody had it.
        """
        own = self.agent()
        agent = (self._person(assignee) if assignee else None) or own
        found = self._one("Team", f"name = '{marks.oql(team)}'") if team else None
        found = found or self._own_team(own)
        if found is None:
            raise FieldMissingError(
                f"iTop has no team {team!r}, and ETHOPS_ITOP_TEAM names none.",
                {"team": "Name a team that iTop has."},
            )
        return found, agent

    def team(self, name: str) -> int | None:
        """Return the team of this name."""
        return self._one("Team", f"name = '{marks.oql(name)}'") if name else None

    def contact(self, said: str) -> int | None:
        """Return the person of a login, a name or an address."""
        return self._person(said)

    def cis(self, refs: Iterable[str]) -> tuple[int, ...]:
        """Return the CIs that are called so; who shares a name with another is not one of them."""
        found = (self._one("FunctionalCI", f"name = '{marks.oql(ref)}'") for ref in refs)
        return tuple(dict.fromkeys(one for one in found if one))

    def moment(self, at: datetime) -> str:
        """Return a moment as iTop writes it: on its own clock, without a zone."""
        return at.astimezone(self._zone).strftime(FORMAT)

    def read_moment(self, said: object) -> datetime | None:
        """Return what iTop wrote; None where it says nothing."""
        try:
            return datetime.strptime(str(said or ""), FORMAT).replace(tzinfo=self._zone)
        except ValueError:
            return None

    def _own(self, itop_class: str, said: str, attribute: str, setting: str) -> int:
        if said:
            found = (
                int(said)
                if said.isdigit()
                else self._one(itop_class, f"name = '{marks.oql(said)}'")
            )
        else:
            found = self._of_agent(attribute)
        if not found:
            raise ItopUnsetError(f"No {itop_class} of ours is found in iTop: set {setting}.")
        return found

    def _own_team(self, agent: int) -> int | None:
        said = self._options.team
        if said:
            return int(said) if said.isdigit() else self.team(said)
        query = f"SELECT lnkPersonToTeam WHERE person_id = {agent}"
        return self._value("lnkPersonToTeam", query, "team_id")

    def _of_agent(self, attribute: str) -> int | None:
        return self._value("Person", f"SELECT Person WHERE id = {self.agent()}", attribute)

    def _myself(self) -> int | None:
        return self._value("Person", "SELECT Person WHERE id = :current_contact_id", "id")

    def _person(self, said: str) -> int | None:
        if said.isdigit():
            return int(said)
        fit = marks.oql(said)
        if "@" in said:
            return self._one("Person", f"email = '{fit}'")
        return self._one("Person", f"friendlyname = '{fit}'") or self._one(
            "Person", f"email LIKE '{fit}@%'"
        )

    def _one(self, itop_class: str, where: str) -> int | None:
        query = f"SELECT {itop_class} WHERE {where}"
        kept = self._found.get((query, "id"))
        if kept:
            return kept
        # Two that are called alike are nobody: which of them is meant cannot be told.
        found = self._client.get(itop_class, query, ("id",), limit=2)
        if len(found.objects) == 1:
            self._found[query, "id"] = found.objects[0].id
        return self._found.get((query, "id"))

    def _value(self, itop_class: str, query: str, attribute: str) -> int | None:
        kept = self._found.get((query, attribute))
        if kept:
            return kept
        found = self._client.get(itop_class, query, (attribute,), limit=1)
        for one in found.objects:
            said = one.id if attribute == "id" else int(one.fields.get(attribute) or 0)
            if said:
                self._found[query, attribute] = said
        return self._found.get((query, attribute))
