"""What our cards and our endpoint need of an iTop: planned, made in a person's name, taken back."""

import re
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from adapters import conf as adapters
from adapters.tickets.errors import FieldMissingError
from adapters.tickets.itop import blueprint, unprovision
from adapters.tickets.itop.blueprint import Agent, Piece, Place
from adapters.tickets.itop.client import Client
from adapters.tickets.itop.errors import ItopUnsetError
from adapters.tickets.itop.names import Names, Options
from adapters.tickets.itop.provision import Line, Provisioner
from adapters.tickets.itop.session import site
from adapters.tickets.itop.unprovision import Taken
from audit.ledger import pending
from ethops import conf
from personas import conf as personas
from personas.cards import SCOPED, CardDocument, read_cards

MARK: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")
TOKEN: Final = re.compile(r"[!-~]{8,4096}")
PASSWORD: Final = re.compile(r"[^\x00-\x1f\x7f]{1,4096}")
_EVERYBODY: Final = ("REST Services User", "Support Agent")
_CHANGING: Final = "Change Implementor"
DEADLINE_S: Final = 30.0
"""Making a user takes iTop longer than writing to a ticket."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants it done, under which name we are known there, and with whose token."""

    by: str
    mark: str = "ethops"
    token_file: Path | None = None
    user: str = ""
    """Whose password the file holds; empty: it holds a token."""


def plan(order: Order) -> tuple[Line, ...]:
    """Return how each piece stands; nothing is written.

    Raises:
        TicketError: a setting is missing, or iTop is away, or does not let us in.
    """
    return _with(order, lambda client: Provisioner(client, "").plan(_pieces(order)))


def carry_out(order: Order) -> tuple[Line, ...]:
    """Make what is missing and put right what differs, on record before it begins.

    Raises:
        TicketError: as `plan`; what was made until then stands.
    """
    pieces = _pieces(order)
    _note(order, "provision", (piece.name for piece in pieces))
    comment = f"ethops provision by={order.by}"[:200]
    return _with(order, lambda client: Provisioner(client, comment).carry_out(pieces))


def plan_back(order: Order) -> tuple[Taken, ...]:
    """Return what would be taken back, and what would be left.

    Raises:
        TicketError: as `plan`.
    """
    return _with(order, lambda client: unprovision.plan(client, _mark(order)))


def take_back(order: Order) -> tuple[Taken, ...]:
    """Take back what bears our sign, on record before it begins.

    Raises:
        TicketError: as `plan`; what went until then is gone.
    """
    _note(order, "unprovision", (one.name for one in plan_back(order)))
    comment = f"ethops unprovision by={order.by}"[:200]
    return _with(order, lambda client: unprovision.take_back(client, _mark(order), comment))


def agents(cards: Iterable[CardDocument]) -> tuple[Agent, ...]:
    """Return who our cards are there; one that is not dispatched yet is nobody. Pure."""
    return tuple(
        Agent(card.name, card.title, _profiles(card)) for card in cards if card.dispatchable
    )


def _profiles(card: CardDocument) -> tuple[str, ...]:
    changes = any(grant.verb in SCOPED for grant in card.grants)
    return (*_EVERYBODY, _CHANGING) if changes else _EVERYBODY


def _pieces(order: Order) -> tuple[Piece, ...]:
    house = conf.house()
    if not house.itop_callback_secrets:
        raise ItopUnsetError(
            "iTop's callbacks have nothing to prove themselves by:"
            " set ETHOPS_ITOP_CALLBACK_SECRETS, of 32 characters at least."
        )
    place = Place(house.url, house.itop_callback_secrets, _mark(order))
    said = options()
    with closing(client(said, None, "")) as own:
        names = Names(own, said)
        org = names.org()
        try:
            team: int | None = names.assigned_to("", "")[0]
        except FieldMissingError:
            team = None
    cards, _ = read_cards(personas.cards_folder())
    return (
        *blueprint.calling(place),
        *blueprint.people(agents(card.document for card in cards), place.mark, org, team),
    )


def _with(order: Order, act: Callable[[Client], T]) -> T:
    with closing(client(options(), order.token_file, order.user)) as there:
        return act(there)


def client(said: Options, token_file: Path | None, user: str) -> Client:
    """Return the way in of somebody whose token or password a file holds; our own without one.

    Raises:
        ItopUnsetError: the file cannot be read, holds neither, or is not given with a user.
    """
    if token_file is None:
        if user:
            raise ItopUnsetError(f"--user {user}: give --token-file, with the user's password.")
        return Client(said.url, said.token, user=said.user, deadline_s=DEADLINE_S)
    secret = secret_in(token_file, PASSWORD if user else TOKEN)
    return Client(said.url, secret, user=user, deadline_s=DEADLINE_S)


def options() -> Options:
    """Return what the settings say of the iTop.

    Raises:
        ItopUnsetError: they name none, or no token for it.
    """
    said = Options(**adapters.options("tickets"))
    if not said.url or not said.token:
        raise ItopUnsetError(
            "The settings name no iTop: set ETHOPS_ITOP_URL and ETHOPS_ITOP_TOKEN."
        )
    return said


def secret_in(path: Path, shape: re.Pattern[str]) -> str:
    """Return the token or password that a file holds.

    Raises:
        ItopUnsetError: it cannot be read, or holds none.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ItopUnsetError(f"--token-file: {path} cannot be read: {error}") from error
    if not shape.fullmatch(secret):
        raise ItopUnsetError(
            f"--token-file: {path} holds no token and no password: one line, and nothing else."
        )
    return secret


def _mark(order: Order) -> str:
    if not MARK.fullmatch(order.mark):
        raise ItopUnsetError(
            "--name: small letters, digits and -, 20 at most, and a letter in front."
        )
    return order.mark


def _note(order: Order, what: str, objects: Iterable[str]) -> None:
    """Say before it begins who has it done: afterwards nobody might be left to say so."""
    named = [name[:200].encode("ascii", "replace").decode() for name in objects]
    pending.note(
        kind="person.provisioned",
        subject=site()[:200],
        body={"by": order.by, "what": what, "objects": list(named[:200])},
    )
