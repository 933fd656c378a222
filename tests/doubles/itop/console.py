"""The fake iTop as an administrator has it: triggers, actions, people, users and their profiles."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from typing_extensions import override

from tests.doubles.itop.server import Itop, Refusal

TRIGGERS: Final = ("TriggerOnObjectCreate", "TriggerOnObjectUpdate", "TriggerOnStateEnter")
WEBHOOK: Final = ("RemoteApplicationConnection", "RemoteApplicationType", "ActionWebhook")
PROFILES: Final = ("REST Services User", "Support Agent", "Change Implementor")
LEVELS: Final = (
    *("CustomerContract", "lnkCustomerContractToService", "lnkSLAToSLT", "SLT", "SLA", "Service"),
)
_NOT_IN: Final = re.compile(r"SELECT (\w+) WHERE status NOT IN \(([\w',]+)\)")
_NO_SUCH: Final = re.compile(r"SELECT (\w+) WHERE (\w*no_such\w*) = 1")
TAGS: Final = ("GUI:Portal", "CRON", "GUI:Console", "REST/JSON")


@dataclass
class Console(Itop):
    """Everything may be made, but what `denied` names; what is wrong is said with 200."""

    denied: set[str] = field(default_factory=set)
    """Classes that the user may neither read nor write."""
    read_only: set[str] = field(default_factory=set)
    """Classes that the user may read and not write, as a Support Agent a problem."""
    without_webhooks: bool = False
    """The module for webhooks is not installed."""
    keeps_context: bool = True
    """False: a context is taken and kept as none, as a list is."""

    attributes: tuple[str, ...] = (
        *("id", "ref", "title", "org_id", "org_id_friendlyname", "tto_started"),
        *("cumulatedpending_started", "cumulatedpending_laststart", "cumulatedpending_stopped"),
    )
    """What a query that names none of them is answered with."""
    hidden: set[int] = field(default_factory=set)
    """Objects of organizations that our user may not see: to him they are not there."""

    def __post_init__(self) -> None:
        """Put there what every iTop has."""
        for name in PROFILES:
            self.add("URP_Profiles", name=name, friendlyname=name)
        self.add("RemoteApplicationType", name="Other / Generic")

    @override
    def answer(self, said: dict[str, Any]) -> dict[str, Any]:
        itop_class = said.get("class", "")
        if itop_class in self.denied:
            doing = "reading" if said["operation"] == "core/get" else "creating"
            raise Refusal(
                1,
                "The current user does not have enough permissions for"
                f" {doing} data of class {itop_class}",
            )
        if itop_class in self.read_only and said["operation"] != "core/get":
            doing = "creating" if said["operation"] == "core/create" else "modifying"
            raise Refusal(
                1,
                "The current user does not have enough permissions for"
                f" {doing} data of class {itop_class}",
            )
        if self.without_webhooks and itop_class in WEBHOOK:
            raise Refusal(100, f"Error: class: '{itop_class}' is not a valid class'")
        return super().answer(said)

    @override
    def _classes(self) -> set[str]:
        return super()._classes() | {*TRIGGERS, *WEBHOOK, *LEVELS, "Trigger", "UserLocal"}

    @override
    def _hits(self, itop_class: str, key: Any) -> list[dict[str, Any]]:
        if (listed := _NOT_IN.fullmatch(str(key))) is not None:
            known = listed[2].replace("'", "").split(",")
            hits = super()._hits(itop_class, f"SELECT {listed[1]}")
            return [one for one in hits if one["status"] not in known]
        if (unknown := _NO_SUCH.fullmatch(str(key))) is not None:
            # As it is recorded of a real one, that lists what there is.
            raise Refusal(
                100,
                f"Error: Query failed to execute: query = {key}, exception_class ="
                " OqlNormalizeException, exception_message = Unknown filter code - found"
                f" '{unknown[2]}' at 20 in '{key}', expecting {{{', '.join(self.attributes)}}},"
                " I would suggest to use 'ref'",
            )
        if not str(key).startswith("SELECT Trigger WHERE"):
            hits = super()._hits(itop_class, key)
            return [one for one in hits if one["id"] not in self.hidden]
        return [
            one
            for kind in TRIGGERS
            for one in super(Console, self)._hits(kind, str(key).replace("Trigger", kind, 1))
        ]

    @override
    def _read(self, one: dict[str, Any], name: str) -> Any:
        if name == "trigger_list":
            return [
                {"trigger_id": str(other["id"]), "trigger_name": other["description"]}
                for other in self.objects.values()
                for row in other.get("action_list") or ()
                if int(row["action_id"]) == one["id"]
            ]
        if name == "actions_list":
            return [
                {"name": other["name"]}
                for other in self.objects.values()
                if other.get("remoteapplicationconnection_id") == one["id"]
            ]
        return super()._read(one, name)

    @override
    def _set(self, found: dict[str, Any], values: dict[str, Any]) -> None:
        kept = dict(values)
        if "context" in kept:
            kept["context"] = self._context(kept["context"])
        for name, key in (("profile_list", "profileid"), ("action_list", "action_id")):
            if name in kept:
                kept[name] = [self._row(key, row[key]) for row in kept[name]]
        super()._set(found, kept)

    def _context(self, said: Any) -> str:
        # A list is kept as empty and nothing is said about it.
        if not isinstance(said, str) or not self.keeps_context:
            return ""
        return ", ".join(tag for tag in TAGS if tag in said.split(","))

    def _row(self, key: str, said: Any) -> dict[str, str]:
        if isinstance(said, dict):
            named = [
                one
                for one in self.objects.values()
                if one["finalclass"] == "URP_Profiles" and one["name"] == said["name"]
            ]
            if not named:
                raise Refusal(100, f"Error: {key}: No item found with criteria: name: {said}")
            said = named[0]["id"]
        name = self.objects[int(said)].get("name", "")
        return {key: str(said), f"{key}_friendlyname": name}

    @override
    def _delete(self, said: dict[str, Any]) -> dict[str, Any]:
        (found,) = self._hits(said["class"], said["key"])
        listed = {self._name(found): self._told(found, 0, "")}
        for other in list(self.objects.values()):
            if str(found["id"]) in (str(other.get(one)) for one in ("agent_id", "contactid")):
                listed[self._name(other)] = self._told(other, 5, "Reset external keys")
        if not said.get("simulate"):
            del self.objects[found["id"]]
        began = "SIMULATING: " if said.get("simulate") else ""
        return {"code": 0, "message": f"{began}Deleted: 1", "objects": listed}

    @staticmethod
    def _name(one: dict[str, Any]) -> str:
        return f"{one['finalclass']}::{one['id']}"

    @staticmethod
    def _told(one: dict[str, Any], code: int, message: str) -> dict[str, Any]:
        key, itop_class = str(one["id"]), one["finalclass"]
        return {"code": code, "message": message, "class": itop_class, "key": key, "fields": {}}
