"""Taking back what was made in an iTop: by our own sign, and whatever others use stays."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from adapters.tickets.itop import blueprint, marks
from adapters.tickets.itop.client import Client, Found, Removed
from adapters.tickets.itop.errors import (
    ItopError,
    ItopHeldError,
    ItopLoginError,
    ItopQueryError,
    ItopRightError,
    ItopUnreachableError,
)

State: TypeAlias = Literal["delete", "deleted", "left"]

_BEARS: Final[Mapping[str, tuple[str, str]]] = {
    # What points to another goes before it.
    "Trigger": ("description", "description"),
    "ActionWebhook": ("name", "trigger_list"),
    "RemoteApplicationConnection": ("name", "actions_list"),
    "Person": ("function", "friendlyname"),
}
"""Class -> the attribute that bears our sign, and what else of it is read."""
_USED_BY: Final = {"ActionWebhook": "trigger_list", "RemoteApplicationConnection": "actions_list"}
"""Class -> the set of those that use it; others' may."""
_AT_REST: Final[Mapping[str, tuple[str, str]]] = {
    "Person": ("status", "inactive"),
    "UserLocal": ("status", "disabled"),
    "ActionWebhook": ("status", "disabled"),
}
"""Class -> what is written to one that cannot go, so that it does nothing more."""
_GOES_WITH_IT: Final = frozenset({0, 2})
"""Codes of what is deleted, and of what iTop deletes along: links of it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One object that bears our sign: whether it goes, and if not, why."""

    itop_class: str
    id: int
    name: str
    state: State
    said: str = ""


def plan(client: Client, mark: str) -> tuple[Taken, ...]:
    """Return what would go, and what would be left; nothing is written.

    Raises:
        ItopError: iTop is away, or does not let us in.
    """
    found: list[Taken] = []
    for one, name in _ours(client, mark):
        found.append(_judged(client, one, name, _going(found)))
    return tuple(found)


def take_back(client: Client, mark: str, comment: str) -> tuple[Taken, ...]:
    """Delete what bears our sign and nobody else uses; the rest is put at rest, and said.

    Raises:
        ItopError: iTop is away, or does not let us in; what went until then is gone.
    """
    done: list[Taken] = []
    for one, name in tuple(_ours(client, mark)):
        found = _judged(client, one, name, _going(done))
        if found.state == "delete":
            found = _deleted(client, found, comment)
        if found.state == "left":
            found = _at_rest(client, found, comment)
        done.append(found)
    return tuple(done)


def _ours(client: Client, mark: str) -> Iterator[tuple[Found, str]]:
    """Yield what bears our sign, those first that point to others; users before their persons."""
    pattern = marks.oql(blueprint.sign(mark))
    for itop_class, (bears, reads) in _BEARS.items():
        query = f"SELECT {itop_class} WHERE {bears} LIKE '%{pattern}%'"
        names = tuple(dict.fromkeys(("id", bears, reads)))
        try:
            found = client.get(itop_class, query, names, limit=1000).objects
        except ItopQueryError:
            # Without the module for webhooks there is no such class, and so none of ours.
            continue
        for one in found:
            if itop_class == "Person":
                yield from _users(client, one, mark)
            yield one, str(one.fields.get("friendlyname") or one.fields.get(bears))


def _users(client: Client, person: Found, mark: str) -> Iterator[tuple[Found, str]]:
    begins = marks.oql(blueprint.login(mark, ""))
    query = f"SELECT UserLocal WHERE contactid = {person.id} AND login LIKE '{begins}%'"
    for one in client.get("UserLocal", query, ("id", "login")).objects:
        yield one, str(one.fields.get("login"))


def _going(taken: Iterable[Taken]) -> frozenset[tuple[str, int]]:
    return frozenset((one.itop_class, one.id) for one in taken if one.state != "left")


def _judged(client: Client, one: Found, name: str, gone: frozenset[tuple[str, int]]) -> Taken:
    taken = Taken(one.itop_class, one.id, name, "delete")
    others = _others(one)
    if others:
        return Taken(one.itop_class, one.id, name, "left", f"Others use it: {', '.join(others)}.")
    try:
        said = client.delete(one.itop_class, one.id, "a look", simulate=True)
    except (ItopUnreachableError, ItopLoginError):
        raise
    except ItopError as fault:
        return Taken(one.itop_class, one.id, name, "left", str(fault))
    held = [other for other in said if _holds(other, one, gone)]
    if held:
        named = ", ".join(f"{other.itop_class}::{other.id}" for other in held[:3])
        more = f" and {len(held) - 3} more" if len(held) > 3 else ""
        return Taken(one.itop_class, one.id, name, "left", f"It is named by {named}{more}.")
    return taken


def _others(one: Found) -> list[str]:
    """Return who uses it that does not bear our sign."""
    attribute = _USED_BY.get(one.itop_class)
    rows = one.fields.get(attribute) if attribute else None
    names = [
        str(row.get("trigger_name") or row.get("name") or row.get("friendlyname") or "?")
        for row in rows or ()
        if isinstance(row, dict)
    ]
    return [name for name in names if ":provisioned]" not in name]


def _holds(other: Removed, one: Found, gone: frozenset[tuple[str, int]]) -> bool:
    named = (other.itop_class, other.id)
    itself = named == (one.itop_class, one.id)
    return not itself and other.code not in _GOES_WITH_IT and named not in gone


def _deleted(client: Client, taken: Taken, comment: str) -> Taken:
    try:
        client.delete(taken.itop_class, taken.id, comment)
    except (ItopHeldError, ItopRightError) as fault:
        return Taken(taken.itop_class, taken.id, taken.name, "left", str(fault))
    return Taken(taken.itop_class, taken.id, taken.name, "deleted")


def _at_rest(client: Client, taken: Taken, comment: str) -> Taken:
    attribute, value = _AT_REST.get(taken.itop_class, ("", ""))
    if not attribute:
        return taken
    try:
        client.update(taken.itop_class, taken.id, {attribute: value}, comment, ("id",))
    except (ItopHeldError, ItopRightError):
        return taken
    said = f"{taken.said} It is {value} now."
    return Taken(taken.itop_class, taken.id, taken.name, "left", said)
