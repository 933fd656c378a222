"""The fake iTop with a CMDB: its history, queries over ids, and answers that are cut short."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from typing_extensions import override

from tests.doubles.itop.server import Itop, Refusal

_IN: Final = re.compile(r"SELECT (\w+) WHERE id IN \(([\d,]+)\)")
_HISTORY: Final = re.compile(
    r"SELECT CMDBChangeOp WHERE date >= '([\d :-]+)' AND objclass IN \(([\w',]+)\)"
)
ROOTS: Final = ("LogicalVolume", "Service")
"""Classes that are of no other; those of CIs are all of one."""
_NEW: Final = re.compile(r" AND \(date > '([\d :-]+)' OR id > (\d+)\)")


@dataclass
class Inventory(Itop):
    """Things and links of a site; its history is dated by the clock of its own zone."""

    history: list[tuple[str, int, str]] = field(default_factory=list)
    zone: str = "UTC"
    lags: timedelta = timedelta()
    """So far its clock is behind."""
    tells_history: bool = True
    short: set[str] = field(default_factory=set)
    """Classes of whose pages half is left out, while the count says all."""
    empty: set[str] = field(default_factory=set)
    """Classes that are answered with nothing, as to a token without the organization."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(class, fields) of each call."""

    def put(self, itop_class: str, **values: Any) -> int:
        """Put an object there, and into the history."""
        number = self.add(itop_class, **values)
        self._told(itop_class, number)
        return number

    def change(self, number: int, **values: Any) -> None:
        """Change an object."""
        self.objects[number].update(values)
        self._told(self.objects[number]["finalclass"], number)

    def take_away(self, number: int) -> None:
        """Delete an object."""
        itop_class = self.objects.pop(number)["finalclass"]
        # Its own history goes with it, and what is said of its end names the class of all CIs.
        self.history = [
            ("", 0, at) if (of, n) == (itop_class, number) else (of, n, at)
            for of, n, at in self.history
        ]
        own = itop_class in ROOTS or itop_class.startswith("lnk")
        self._told(itop_class if own else "FunctionalCI", number)

    def _told(self, itop_class: str, number: int) -> None:
        at = (datetime.now(ZoneInfo(self.zone)) - self.lags).strftime("%Y-%m-%d %H:%M:%S")
        self.history.append((itop_class, number, at))

    @override
    def answer(self, said: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((said["class"], said["output_fields"]))
        given = super().answer(said)
        if said["class"] in self.short and given["objects"]:
            kept = list(given["objects"].items())
            given["objects"] = dict(kept[: len(kept) // 2])
        return given

    @override
    def _classes(self) -> set[str]:
        known = {"CMDBChangeOp", "Farm", "Hypervisor", "VirtualMachine", "LogicalVolume"}
        return super()._classes() | known

    @override
    def _hits(self, itop_class: str, key: Any) -> list[dict[str, Any]]:
        if itop_class in self.empty:
            return []
        if (listed := _IN.fullmatch(str(key))) is not None:
            ids = {int(one) for one in listed[2].split(",")}
            return [
                one for one in super()._hits(itop_class, f"SELECT {listed[1]}") if one["id"] in ids
            ]
        if itop_class == "CMDBChangeOp":
            return self._history(str(key))
        return super()._hits(itop_class, key)

    def _history(self, query: str) -> list[dict[str, Any]]:
        new = _NEW.search(query)
        after, beyond = new.groups() if new else ("", "0")
        found = _HISTORY.fullmatch(_NEW.sub("", query))
        if found is None:
            raise Refusal(100, f"Error: Query failed to execute: query = {query}")
        if not self.tells_history:
            raise Refusal(
                1,
                "Error: The current user does not have enough permissions for reading data of"
                " class CMDBChangeOp",
            )
        classes = found[2].replace("'", "").split(",")
        return [
            {
                "finalclass": "CMDBChangeOpSetAttributeScalar",
                "id": at,
                "date": when,
                "objclass": of,
                "objkey": n,
            }
            for at, (of, n, when) in enumerate(self.history, 1)
            if of in classes and when >= found[1] and (when > after or at > int(beyond))
        ]
