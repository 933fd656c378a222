"""What an iTop needs so that it calls us and our agents are somebody there. Pure.

A piece is one object: how it is found again, what stands in it, and which pieces it points to.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.tickets.itop import words

CONTEXT: Final = "GUI:Console,GUI:Portal"
"""What people do on pages; a text, since iTop keeps a list as empty, which is no guard at all."""
JSON_HEADER: Final = "Content-type: application/json"
"""Spelt so, and only so, iTop escapes what it puts into the body."""
HEADER: Final = "X-Ethops-Secret"
"""By which who calls us proves himself."""
PATH: Final = "/api/v1/itop/callback"
GENERIC: Final = "Other / Generic"
PAYLOAD: Final = json.dumps(
    {
        "class": "$this->finalclass$",
        "id": "$this->id$",
        "ref": "$this->ref$",
        "status": "$this->status$",
        "last_update": "$this->last_update$",
        "login": "$current_user->login$",
    },
    indent=1,
)
"""A hint what to read, class and id first: what people wrote is not sent at all."""

CONNECTION: Final = "connection"
ACTION: Final = "callback"
_DECIDED: Final = ("assigned", "approved", "closed")
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "Incident": ("assigned", "resolved", "closed"),
    "UserRequest": ("assigned", "approved", "rejected", "resolved", "closed"),
    "Problem": ("assigned", "resolved", "closed"),
    "RoutineChange": ("assigned", "closed"),
    "NormalChange": _DECIDED,
    "EmergencyChange": _DECIDED,
}
"""Class -> the states by which people take a ticket, decide it or end it."""


@dataclass(frozen=True, slots=True)
class Of:
    """Stands where the id of another piece goes."""

    piece: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One object that is wanted."""

    name: str
    itop_class: str
    criteria: Mapping[str, str]
    """How it is found again: by our own mark in it."""
    values: Mapping[str, Any]
    """What stands in it, and is put right where it differs."""
    once: Mapping[str, Any] = field(default_factory=dict)
    """What it is made with, and what people may then change."""
    vital: frozenset[str] = frozenset()
    """Without these as wanted it does more harm than good, and is taken away again."""
    ours: str = ""
    """Where this does not point to a piece of ours, the object is somebody else's."""

    @property
    def points_to(self) -> tuple[str, ...]:
        """Return the pieces whose ids stand in it."""
        return tuple(dict.fromkeys(_pieces(list(self.values.values()))))


@dataclass(frozen=True, slots=True)
class Agent:
    """A card as somebody in iTop."""

    name: str
    title: str
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where iTop calls us, what proves that it is iTop, and under which name we are known there."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)
    mark: str = "ethops"


def sign(mark: str) -> str:
    """Return what every object that we make bears, so that it is known as ours."""
    return f"[{mark}:provisioned]"


def calling(place: Place) -> tuple[Piece, ...]:
    """Return what makes iTop call us: a connection, one action, and triggers that have it."""
    own, parts = sign(place.mark), urlsplit(place.url)
    connection = {"name": f"{place.mark} {own}"}
    action = {"name": f"{place.mark} callback {own}"}
    return (
        Piece(
            CONNECTION,
            "RemoteApplicationConnection",
            connection,
            {"url": f"{parts.scheme}://{parts.netloc}"},
            {**connection, "remoteapplicationtype_id": {"name": GENERIC},
             "environment": "3-production"},
        ),
        Piece(
            ACTION,
            "ActionWebhook",
            action,
            {
                "status": "enabled",
                "remoteapplicationconnection_id": Of(CONNECTION),
                "method": "post",
                "path": parts.path.rstrip("/") + PATH,
                "headers": f"{JSON_HEADER}\n{HEADER}: {place.secrets[0]}",
                "payload": PAYLOAD,
                # Else a page of iTop's waits for us, and has no deadline of its own.
                "asynchronous": "yes",
            },
            {**action, "language": "EN US"},
        ),
        *_triggers(place.mark),
    )  # fmt: skip


def _triggers(mark: str) -> Iterator[Piece]:
    for itop_class in dict.fromkeys(words.CLASSES.values()):
        yield _trigger(mark, "TriggerOnObjectCreate", itop_class, "created")
        yield _trigger(mark, "TriggerOnObjectUpdate", itop_class, "updated")
        for state in STATES[itop_class]:
            yield _trigger(mark, "TriggerOnStateEnter", itop_class, f"is {state}", state=state)


def _trigger(mark: str, kind: str, itop_class: str, event: str, **more: str) -> Piece:
    description = {"description": f"{mark}: {itop_class} {event} {sign(mark)}"}
    return Piece(
        f"trigger: {itop_class} {event}",
        kind,
        description,
        {
            "target_class": itop_class,
            **more,
            "context": CONTEXT,
            "action_list": [{"action_id": Of(ACTION), "order": 1}],
        },
        description,
        frozenset({"context", "target_class", *more}),
    )


def people(agents: Iterable[Agent], mark: str, org: int, team: int | None) -> tuple[Piece, ...]:
    """Return a person and a user for each card; nobody knows the user's password, we neither."""
    pieces: list[Piece] = []
    for agent in agents:
        person = f"person: {agent.name}"
        number = {"employee_number": f"{mark}:{agent.name}"}
        teams = {"team_list": [{"team_id": team}]} if team else {}
        pieces += (
            Piece(
                person,
                "Person",
                {**number, "function": f"agent {sign(mark)}"},
                {"status": "active"},
                {**number, "function": f"agent {sign(mark)}", "first_name": mark,
                 "name": agent.title, "org_id": org, "notify": "no", **teams},
            ),
            Piece(
                f"user: {agent.name}",
                "UserLocal",
                {"login": login(mark, agent.name)},
                {
                    "contactid": Of(person),
                    "status": "enabled",
                    "profile_list": [{"profileid": {"name": one}} for one in agent.profiles],
                },
                {"login": login(mark, agent.name), "language": "EN US"},
                ours="contactid",
            ),
        )  # fmt: skip
    return tuple(pieces)


def login(mark: str, agent: str) -> str:
    """Return the login of a card's user."""
    return f"{mark}-{agent}"


def filled(value: Any, ids: Mapping[str, int]) -> Any:
    """Return a value with the ids of pieces in their places; 0 where there is none yet."""
    if isinstance(value, Of):
        return ids.get(value.piece, 0)
    if isinstance(value, Mapping):
        return {name: filled(one, ids) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, ids) for one in value]
    return value


def differing(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of what does not stand in an object as wanted."""
    return tuple(name for name, value in wanted.items() if not _same(name, value, found.get(name)))


def merged(name: str, wanted: Any, found: Any) -> Any:
    """Return what is written: of a set of links, which iTop replaces whole, those of others too."""
    if not isinstance(wanted, list):
        return wanted
    key = _KEYS[name]
    others = [
        {key: int(row[key])} for row in _rows(found) if not _is_among(key, row, wanted)
    ]  # fmt: skip
    return [*others, *wanted]


_KEYS: Final[Mapping[str, str]] = {"action_list": "action_id", "profile_list": "profileid"}
"""Set of links -> what each of its rows points to."""


def _same(name: str, wanted: Any, found: Any) -> bool:
    if name == "context":
        # iTop keeps the same names in an order and with spaces of its own.
        return _words(wanted) == _words(found)
    if isinstance(wanted, list):
        rows, key = _rows(found), _KEYS[name]
        return all(any(_is_among(key, row, [one]) for row in rows) for one in wanted)
    if isinstance(wanted, str) and "\n" in wanted:
        return _lines(wanted) == _lines(found)
    return str(wanted) == str(found)


def _is_among(key: str, row: Mapping[str, Any], wanted: Iterable[Mapping[str, Any]]) -> bool:
    for one in wanted:
        meant = one[key]
        if isinstance(meant, Mapping):
            if str(row.get(f"{key}_friendlyname")) == str(meant["name"]):
                return True
        elif str(row.get(key)) == str(meant):
            return True
    return False


def _rows(found: Any) -> list[Mapping[str, Any]]:
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _words(text: Any) -> set[str]:
    return {one.strip() for one in str(text or "").replace("|", ",").split(",") if one.strip()}


def _lines(text: Any) -> list[str]:
    return [line.strip() for line in str(text or "").splitlines() if line.strip()]


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, Of):
        yield value.piece
    elif isinstance(value, Mapping):
        yield from _pieces(list(value.values()))
    elif isinstance(value, list):
        for one in value:
            yield from _pieces(one)
