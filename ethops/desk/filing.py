"""What a person files: a form read whole, everything wrong with it said at once, as a draft."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from adapters import registry
from adapters.cmdb.errors import CINotFoundError
from adapters.text import one_line
from adapters.tickets.catalogue import fields_of
from adapters.tickets.errors import DraftRefusedError, TicketNotFoundError, UnknownModelError
from adapters.tickets.fields import Field, Value, read_all
from adapters.tickets.form_fields import filed
from adapters.tickets.items import RequestModel
from adapters.tickets.port import ChangeDraft, RequestDraft, TicketClass, TicketDraft

MOST_REFS = 50


def model(slug: str) -> RequestModel:
    """Return an item of the service catalogue.

    Raises:
        UnknownModelError: it has no such item.
    """
    for one in registry.reader("tickets").catalogue():
        if one.slug == slug:
            return one
    raise UnknownModelError(f"The catalogue has no item {slug!r}.")


def draft(person: str, ticket_class: TicketClass, said: Mapping[str, object]) -> TicketDraft:
    """Return a ticket of a class in a person's name.

    Raises:
        DraftRefusedError: `errors` says what is wrong, by field.
    """
    values, faults = read_all(filed(ticket_class), said)
    cis, unknown = _refs(values.get("cis"), _is_ci)
    if unknown:
        faults["cis"] = f"No CI {', '.join(unknown)}."
    incidents, unknown = _refs(values.get("incidents"), _is_incident)
    if unknown:
        faults["incidents"] = f"No incident {', '.join(unknown)}."
    begins, ends = values.get("planned_start"), values.get("planned_end")
    if isinstance(begins, datetime) and isinstance(ends, datetime) and ends <= begins:
        faults["planned_end"] = "It must be over after it begins."
    if faults:
        raise DraftRefusedError("Some fields need a change.", faults)
    made = TicketDraft(
        ticket_class=ticket_class,
        title=_word(values, "title"),
        description=_word(values, "description"),
        impact=cast("int", values["impact"]),
        urgency=cast("int", values["urgency"]),
        author=person,
        author_kind="person",
        ci_refs=cis,
        detected_at=datetime.now(UTC) if ticket_class == "incident" else None,
        tainted=True,
        requester=_word(values, "requester"),
        service=_word(values, "service"),
        incidents=incidents,
        workaround=_word(values, "workaround"),
    )
    return replace(made, change=_change(values)) if ticket_class == "change" else made


def request(
    person: str, slug: str, answers: Mapping[str, object], requester: object = ""
) -> TicketDraft:
    """Return a request for an item of the catalogue in a person's name.

    Raises:
        UnknownModelError: the catalogue has no such item.
        DraftRefusedError: `errors` says what is wrong, by field.
    """
    found = model(slug)
    values, faults = read_all(filed("request"), {"requester": requester})
    asked = fields_of(found.fields)
    said, wrong = read_all(asked, answers)
    faults |= wrong | _cis_missing(asked, said)
    if faults:
        raise DraftRefusedError("Some fields need a change.", faults)
    return TicketDraft(
        ticket_class="request",
        title=found.title,
        description="",
        impact=found.impact,
        urgency=found.urgency,
        author=person,
        author_kind="person",
        tainted=True,
        requester=_word(values, "requester"),
        request=RequestDraft(slug, answers),
    )


def _cis_missing(asked: Iterable[Field], said: Mapping[str, Value]) -> dict[str, str]:
    """Say of each CI that is not there, or not of the classes asked for, the same thing."""
    return {
        one.name: f"There is no {' or '.join(one.classes)} {said[one.name]}."
        for one in asked
        if one.kind == "ci" and said.get(one.name) and not _is_of(str(said[one.name]), one.classes)
    }


def _is_of(ref: str, classes: tuple[str, ...]) -> bool:
    found = registry.reader("cmdb").by_refs([ref])
    return bool(found) and found[0].ci_class in classes


def _change(values: Mapping[str, Value]) -> ChangeDraft:
    return ChangeDraft(
        change_type=cast("Any", values["change_type"]),
        reason=_word(values, "reason"),
        planned_start=cast("datetime | None", values.get("planned_start")),
        planned_end=cast("datetime | None", values.get("planned_end")),
        implementer=_word(values, "implementer"),
        backout=_word(values, "backout"),
    )


def _word(values: Mapping[str, Value], name: str) -> str:
    return str(values.get(name) or "")


def _refs(said: Value, is_known: Any) -> tuple[tuple[str, ...], list[str]]:
    """Return refs with commas between them, and those that nobody knows."""
    names = [name.strip() for name in str(said or "").split(",") if name.strip()][:MOST_REFS]
    refs = tuple(dict.fromkeys(names))
    return refs, [one_line(ref, 64) for ref in refs if not is_known(ref)]


def _is_ci(ref: str) -> bool:
    try:
        registry.reader("cmdb").get(ref)
    except CINotFoundError:
        return False
    return True


def _is_incident(ref: str) -> bool:
    try:
        return registry.reader("tickets").get(ref).ticket_class == "incident"
    except TicketNotFoundError:
        return False
