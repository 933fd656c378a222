"""One write carried out in iTop: looked for, planned, written, and read back by its mark."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from adapters.rows import now
from adapters.tickets import models
from adapters.tickets.errors import FieldMissingError, HeldError
from adapters.tickets.form_fields import PENDING_REASONS
from adapters.tickets.itop import demands, marks, paths, words, writable
from adapters.tickets.itop.client import Client, Found
from adapters.tickets.itop.declared import CREATE
from adapters.tickets.itop.errors import (
    ItopGoneError,
    ItopReadOnlyError,
    ItopRightError,
    ItopStimulusError,
    ItopTooLargeError,
    ItopUnclearError,
    ItopValueError,
)
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.names import Names
from adapters.tickets.itop.writes import Write

AGAIN: Final = 3
"""So often a line is written again that somebody else's write took away."""

_REASON: Final = 255
_UNDO: Final = "Undone as the plan's own steps say."


@dataclass(slots=True)
class Push:
    """Carries writes of one ticket out; `mirrored` is kept as iTop was last seen.

    Whoever calls holds the ticket's lock.
    """

    client: Client
    names: Names
    mirrored: Mirrored
    fields: dict[str, Any] = field(default_factory=dict)
    given: int | None = None
    """The person that this write gave the ticket to."""

    def read(self) -> Found:
        """Return the object as it stands now.

        Raises:
            ItopGoneError: it is not there, or hidden from us.
        """
        itop_class = self.mirrored.itop_class
        found = self.client.get(itop_class, self.mirrored.itop_id, words.FIELDS[itop_class])
        if len(found.objects) != 1 or found.objects[0].itop_class != itop_class:
            raise ItopGoneError(f"{itop_class}::{self.mirrored.itop_id} is not to be seen.")
        self.fields = dict(found.objects[0].fields)
        return found.objects[0]

    def carry_out(self, write: Write) -> None:
        """Do the write, unless its mark says that it was done.

        Raises:
            FieldMissingError: something is missing that iTop itself would not miss.
            ItopError: a subclass says what iTop answered, or that it did not.
        """
        if write.kind != "create":
            if not self.fields:
                self.read()
            if self.bears(write.key):
                return
        try:
            self._do(write)
        except ItopRightError as fault:
            if writable.is_lack(self.client, fault):
                raise
            raise ItopReadOnlyError(str(fault)) from fault

    def _do(self, write: Write) -> None:
        if write.kind == "create":
            self._create(write)
            return
        if write.kind == "move":
            self._move(write)
        elif write.kind == "attach":
            self._attach(write)
        else:
            self._set(write, self._named(write))
        self._read_back(write)

    # ------------------------------------------------------------ creating

    def _create(self, write: Write) -> None:
        """Open the object, once: its mark is looked for before, and after an unclear answer."""
        found = self._looked_for(write)
        if found is None:
            try:
                found = self.client.create(
                    self.mirrored.itop_class,
                    self._drafted(write),
                    write.comment,
                    words.FIELDS[self.mirrored.itop_class],
                )
            except ItopUnclearError:
                found = self._looked_for(write)
                if found is None:
                    raise
        self.mirrored.itop_id = found.id
        self.mirrored.itop_ref = str(found.fields.get("ref", ""))
        self.fields = dict(found.fields)

    def _looked_for(self, write: Write) -> Found | None:
        itop_class = self.mirrored.itop_class
        sign = marks.oql(marks.mark(write.key))
        query = f"SELECT {itop_class} WHERE description LIKE '%{sign}%'"
        found = self.client.get(itop_class, query, words.FIELDS[itop_class], limit=2)
        return found.objects[0] if found.objects else None

    def _drafted(self, write: Write) -> dict[str, Any]:
        said, itop_class = write.values, self.mirrored.itop_class
        drafted: dict[str, Any] = {
            **demands.given(itop_class, CREATE),
            "org_id": self.names.org(),
            "title": said["title"],
            "description": marks.description(said["description"] or said["title"], write.key),
            words.log_of(itop_class, write.visibility): _item(write),
        }
        if itop_class in words.CHANGES:
            drafted |= {"reason": str(said.get("reason") or said["title"])[:_REASON]}
        else:
            urgency = words.urgency_of(said["impact"], said["urgency"])
            drafted |= {"impact": said["impact"], "urgency": urgency}
        if itop_class == "Incident" and said.get("alert"):
            drafted["origin"] = "monitoring"
        caller = self.names.contact(said["requester"]) if said.get("requester") else None
        if caller and itop_class not in words.CHANGES:
            drafted["caller_id"] = caller
        cis = self.names.cis(said.get("cis", ()))
        if cis:
            drafted["functionalcis_list"] = [
                {"functionalci_id": one, "impact_code": "manual"} for one in cis
            ]
        return drafted

    # ------------------------------------------------------------ changing

    def _move(self, write: Write) -> None:
        itop_class = self.mirrored.itop_class
        if "instead_of" in write.values:
            self._mind_the_holder(write.values)
        steps = paths.steps(itop_class, write.stimulus, str(self.fields["status"]))
        if not steps:
            self._set(write, self._fields_of_line(write))
        for n, step in enumerate(steps, 1):
            values = {**self._values(write, step), **demands.given(itop_class, step.to)}
            if n == len(steps):
                values[words.log_of(itop_class, write.visibility)] = _item(write)
            self._step(write, step, values)

    def _mind_the_holder(self, said: Mapping[str, Any]) -> None:
        """Refuse a claim of what somebody else has there: iTop would let the last one have it."""
        agent, name = self.fields.get("agent_id"), str(self.fields.get(words.AGENT) or "")
        if not _standing(self.fields, "agent_id") or self.names.is_us(agent):
            # Which of us has it is known here alone, and was compared under the lock.
            return
        free = [one for one in (said["instead_of"], said.get("assignee")) if one]
        if name not in free and str(agent) not in {str(self.names.contact(one)) for one in free}:
            raise HeldError(self.mirrored.ticket_id, name)

    def _step(self, write: Write, step: paths.Step, values: dict[str, Any]) -> None:
        itop_class, itop_id = self.mirrored.itop_class, self.mirrored.itop_id or 0
        missing = [
            name
            for name in paths.demanded(itop_class, step.to)
            if not (values.get(name) or _standing(self.fields, name))
        ]
        if missing:
            raise FieldMissingError(
                f"{itop_class} is not {step.to} without: {', '.join(missing)}.",
                dict.fromkeys(missing, "iTop's life cycle asks for it."),
            )
        try:
            moved = self.client.stimulate(
                itop_class, itop_id, step.stimulus, values, write.comment, ("id", "status")
            )
            status = moved.fields.get("status")
        except ItopUnclearError:
            status = self.read().fields.get("status")
            # Where the line went with it, the line tells; a state may have been so before.
            told = words.log_of(itop_class, write.visibility) in values
            if not (self.bears(write.key) if told else status == step.to):
                raise
        if status != step.to:
            raise ItopStimulusError(
                f"After {step.stimulus} the {itop_class} is {status}, not {step.to}:"
                " this site has changed the life cycle."
            )
        self.fields["status"] = status

    def _set(self, write: Write, values: Mapping[str, Any]) -> None:
        """Write attributes and the line, in one call and so all or nothing."""
        itop_class, status = self.mirrored.itop_class, str(self.fields["status"])
        refused = [name for name in values if paths.is_read_only(itop_class, status, name)]
        if refused:
            raise ItopValueError(
                f"A {itop_class} that is {status} keeps its {', '.join(refused)}.", tuple(refused)
            )
        said = {**values, words.log_of(itop_class, write.visibility): _item(write)}
        try:
            self.client.update(
                itop_class, self.mirrored.itop_id or 0, said, write.comment, ("id", "status")
            )
        except ItopUnclearError:
            self.read()
            if not self.bears(write.key):
                raise

    def _attach(self, write: Write) -> None:
        """Attach the file, once, and write its line: what was attached before is looked for."""
        if not self._is_attached(write.key):
            try:
                self.client.create("Attachment", self._file(write), write.comment, ("id",))
            except (ItopUnclearError, ItopTooLargeError):
                if not self._is_attached(write.key):
                    raise
        self._set(write, {})

    def _is_attached(self, key: UUID) -> bool:
        query = (
            f"SELECT Attachment WHERE item_class = '{self.mirrored.itop_class}'"
            f" AND item_id = {self.mirrored.itop_id} AND temp_id = '{marks.mark(key)}'"
        )
        return bool(self.client.get("Attachment", query, ("id",), limit=1).objects)

    def _file(self, write: Write) -> dict[str, Any]:
        kept = models.Attachment.objects.get(ticket_id=self.mirrored.ticket_id, n=write.values["n"])
        return {
            "item_class": self.mirrored.itop_class,
            "item_id": self.mirrored.itop_id,
            "item_org_id": int(self.fields.get("org_id") or 0),
            # iTop knows a draft by it, until its form is sent: nobody sees it, and it stays.
            "temp_id": marks.mark(write.key),
            "contents": {
                "data": base64.b64encode(kept.content).decode(),
                "mimetype": kept.media_type,
                "filename": kept.name,
            },
        }

    def _read_back(self, write: Write) -> None:
        """Read the object again; a line that another's write took away is written again."""
        for _ in range(AGAIN):
            self.read()
            if self.bears(write.key):
                return
            self._set(write, {})
        self.read()
        if not self.bears(write.key):
            raise ItopUnclearError(f"The line of {write.key} does not stay in iTop's log.")

    def bears(self, key: UUID) -> bool:
        """Tell whether a line of the object, as last read, bears the mark of a write."""
        logs = words.logs_of(self.mirrored.itop_class)
        return any(marks.count(self.fields, log, key) for log in logs)

    # ------------------------------------------------------------ what goes with it

    def _values(self, write: Write, step: paths.Step) -> dict[str, Any]:
        """Return what iTop is told at a step: what its target state asks for."""
        said = write.values
        at = self.names.moment(now())
        if step.to == "assigned":
            return self._assignment(said)
        if step.to == "pending":
            reasons = dict(PENDING_REASONS)
            return {"pending_reason": reasons.get(str(said.get("pending_reason")), "")}
        if step.to == "resolved" and self.mirrored.itop_class != "Problem":
            solution = said.get("solution") or said.get("decision") or ""
            return {"solution": marks.as_html(solution), "resolution_code": "other"}
        if step.to == "validated":
            return {"acceptance_date": at, "acceptance_comment": _first_line(write)}
        if step.to == "plannedscheduled":
            return self._plan(said)
        if step.stimulus == "ev_approve" and self.mirrored.itop_class != "UserRequest":
            decision = said.get("decision") or _first_line(write)
            return {"approval_date": at, "approval_comment": decision[:_REASON]}
        if step.to in {"rejected", "notapproved"} and self.mirrored.itop_class != "UserRequest":
            return {"reason": str(said.get("decision") or "")[:_REASON]}
        return {}

    def _assignment(self, said: Mapping[str, Any]) -> dict[str, Any]:
        team, agent = self.names.assigned_to(said.get("team", ""), said.get("assignee", ""))
        self.given = agent
        assigned: dict[str, Any] = {"team_id": team, "agent_id": agent}
        if "impact" in said and self.mirrored.itop_class not in words.CHANGES:
            urgency = words.urgency_of(said["impact"], said["urgency"])
            assigned |= {"impact": said["impact"], "urgency": urgency}
        return assigned

    def _plan(self, said: Mapping[str, Any]) -> dict[str, Any]:
        begins = _moment(said.get("planned_start")) or now()
        ends = _moment(said.get("planned_end")) or begins + timedelta(hours=1)
        return {
            "start_date": self.names.moment(begins),
            "end_date": self.names.moment(ends),
            "impact": str(said.get("title", ""))[:_REASON] or "none",
            "outage": "no",
            "fallback": said.get("backout") or _UNDO,
        }

    def _fields_of_line(self, write: Write) -> dict[str, Any]:
        """Return what is written where iTop has no stimulus for a move, only attributes."""
        said, status = write.values, str(self.fields["status"])
        if write.stimulus == "ev_assign":
            return self._assignment(said)
        if write.stimulus == "ev_plan":
            return {name: value for name, value in self._plan(said).items() if name != "impact"}
        if write.stimulus == "ev_escalate":
            team = self.names.team(said.get("team", ""))
            held = paths.is_read_only(self.mirrored.itop_class, status, "team_id")
            return {"team_id": team} if team and not held else {}
        return {}

    def _named(self, write: Write) -> dict[str, Any]:
        """Return the attributes that a write sets, contacts merged with those that are there."""
        values = dict(write.values)
        watcher = values.pop("watcher", None)
        if watcher:
            contact = self.names.contact(watcher["who"])
            listed = self._contacts()
            merged = merge(listed, contact, add=watcher["add"]) if contact else listed
            if merged != listed:
                values["contacts_list"] = merged
        return values

    def _contacts(self) -> tuple[dict[str, Any], ...]:
        found = self.client.get(self.mirrored.itop_class, self.mirrored.itop_id, ("contacts_list",))
        rows = found.objects[0].fields.get("contacts_list") if found.objects else None
        return tuple(
            {"contact_id": int(one["contact_id"]), "role_code": one.get("role_code") or "manual"}
            for one in rows or ()
        )


def merge(
    listed: Iterable[Mapping[str, Any]], contact: int, *, add: bool
) -> tuple[dict[str, Any], ...]:
    """Return a link set with one contact more or less: iTop replaces the whole of it."""
    others = tuple(dict(one) for one in listed)
    kept = tuple(one for one in others if int(one["contact_id"]) != contact)
    if not add:
        return kept
    return others if len(kept) < len(others) else (
        *kept, {"contact_id": contact, "role_code": "manual"},
    )  # fmt: skip


def _item(write: Write) -> dict[str, Any]:
    # Never a date: iTop would take it, so that its log proves nothing about time.
    return {"add_item": {"message": write.line, "format": "text"}}


def _first_line(write: Write) -> str:
    return write.line.partition("\n")[0][:_REASON]


def _standing(fields: Mapping[str, Any], name: str) -> bool:
    return fields.get(name) not in (None, "", 0, "0")


def _moment(said: object) -> datetime | None:
    return datetime.fromisoformat(said) if isinstance(said, str) and said else None
