"""Making in an iTop what it needs of us: looked at first, then made, and taken back again."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from adapters.tickets.itop import blueprint
from adapters.tickets.itop.blueprint import Of, Piece
from adapters.tickets.itop.client import Client, Found
from adapters.tickets.itop.errors import (
    ItopError,
    ItopLoginError,
    ItopQueryError,
    ItopRightError,
    ItopUnclearError,
    ItopUnreachableError,
)

State: TypeAlias = Literal["create", "there", "differs", "created", "updated", "taken", "refused"]
WRONG: Final = frozenset({"taken", "refused"})
"""States that leave something to a person."""
_FATAL: Final = (ItopUnreachableError, ItopLoginError)
_RIGHTS: Final = (
    "Give --token-file the token of a user with the profile Administrator, or make it in the"
    " console as the page docs/reference/itop.md says."
)
_NO_CLASS: Final = (
    "Install the module combodo-webhook-integration; without it ethops finds by its own look,"
    " every 15 s, what people do."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One piece: how it stands, and where nothing could be done about it, what a person does."""

    piece: str
    itop_class: str
    state: State
    said: str = ""
    mend: str = ""
    id: int | None = None


@dataclass(slots=True)
class Provisioner:
    """Looks at pieces in turn, and makes what is missing where it is told to."""

    client: Client
    comment: str
    ids: dict[str, int] = field(default_factory=dict)
    """Piece -> its object's id, as far as we have come."""

    def plan(self, pieces: Iterable[Piece]) -> tuple[Line, ...]:
        """Return how each piece stands; nothing is written.

        Raises:
            ItopError: iTop is away, or does not let us in.
        """
        return tuple(self._guarded(piece, self._look) for piece in pieces)

    def carry_out(self, pieces: Iterable[Piece]) -> tuple[Line, ...]:
        """Make what is missing and put right what differs; what is as wanted is not written to.

        Raises:
            ItopError: iTop is away, or does not let us in; what was made until then stands.
        """
        return tuple(self._guarded(piece, self._make) for piece in pieces)

    def _guarded(self, piece: Piece, act: Callable[[Piece], Line]) -> Line:
        """Say of one piece what iTop refuses, so that the others are seen to all the same."""
        try:
            return act(piece)
        except _FATAL:
            raise
        except ItopRightError as fault:
            return Line(piece.name, piece.itop_class, "refused", str(fault), _RIGHTS)
        except ItopQueryError as fault:
            webhook = piece.itop_class == "RemoteApplicationConnection" or "Action" in (
                piece.itop_class
            )
            mend = _NO_CLASS if webhook else fault.hint
            return Line(piece.name, piece.itop_class, "refused", str(fault), mend)
        except ItopError as fault:
            return Line(piece.name, piece.itop_class, "refused", str(fault), fault.hint)

    def _look(self, piece: Piece) -> Line:
        return self._seen(piece)[0]

    def _seen(self, piece: Piece) -> tuple[Line, Found | None]:
        """Return how a piece stands, and its object."""
        wanted = blueprint.filled(dict(piece.values), self.ids)
        found = self.client.get(piece.itop_class, dict(piece.criteria), _read(piece), limit=3)
        line = Line(piece.name, piece.itop_class, "create")
        if not found.objects:
            return line, None
        one = found.objects[0]
        line = replace(line, id=one.id)
        if len(found.objects) > 1:
            said = f"There are {found.total} that are called so."
            return replace(line, state="taken", said=said, mend="Delete all of them but one."), one
        if piece.ours and not self._is_ours(piece, one):
            said = "It is there, was not made by us, and is left alone."
            mend = "Delete it, or give --name another name."
            return replace(line, state="taken", said=said, mend=mend), one
        self.ids[piece.name] = one.id
        names = blueprint.differing(wanted, one.fields)
        if not names:
            return replace(line, state="there"), one
        # Names alone: a header that differs holds a secret.
        return replace(line, state="differs", said=f"Not as wanted: {', '.join(names)}."), one

    def _is_ours(self, piece: Piece, one: Found) -> bool:
        meant: Of = piece.values[piece.ours]
        return str(one.fields.get(piece.ours)) == str(self.ids.get(meant.piece, "none"))

    def _make(self, piece: Piece) -> Line:
        missing = [one for one in piece.points_to if one not in self.ids]
        if missing:
            said = f"It needs what is not there: {', '.join(missing)}."
            return Line(piece.name, piece.itop_class, "refused", said, "See there.")
        line, one = self._seen(piece)
        if line.state not in {"create", "differs"}:
            return line
        wanted = blueprint.filled(dict(piece.values), self.ids)
        if one is None:
            line = replace(line, state="created", id=self._created(piece, wanted))
        else:
            names = blueprint.differing(wanted, one.fields)
            values = {
                name: blueprint.merged(name, wanted[name], one.fields.get(name)) for name in names
            }
            self.client.update(piece.itop_class, one.id, values, self.comment, ("id",))
            line = replace(line, state="updated", said=f"Put right: {', '.join(names)}.")
        return self._read_back(piece, line)

    def _created(self, piece: Piece, wanted: Mapping[str, Any]) -> int:
        values = {**piece.once, **wanted}
        if piece.itop_class == "UserLocal":
            values["password"] = _password()
        try:
            made = self.client.create(piece.itop_class, values, self.comment, ("id",)).id
        except ItopUnclearError:
            found = self.client.get(piece.itop_class, dict(piece.criteria), ("id",), limit=1)
            if not found.objects:
                raise
            made = found.objects[0].id
        self.ids[piece.name] = made
        return made

    def _read_back(self, piece: Piece, line: Line) -> Line:
        """Look whether iTop kept what it was told; what would do harm as it is, is taken away."""
        after, one = self._seen(piece)
        if after.state == "there" or one is None:
            return line if one is not None else replace(after, state="refused", said="It is gone.")
        wanted = blueprint.filled(dict(piece.values), self.ids)
        names = set(blueprint.differing(wanted, one.fields))
        if names & piece.vital:
            self.client.delete(piece.itop_class, one.id, self.comment)
            self.ids.pop(piece.name, None)
            said = f"iTop does not keep its {', '.join(sorted(names & piece.vital))}: taken away."
            return replace(
                line, state="refused", said=said, mend="Make it in the console.", id=None
            )
        said = f"iTop does not keep its {', '.join(sorted(names))}."
        return replace(line, state="refused", said=said, mend="Put it right in the console.")


def _read(piece: Piece) -> tuple[str, ...]:
    return ("id", *piece.values)


def _password() -> str:
    """Return one that nobody will know; the last signs are what iTop's rule asks for."""
    return secrets.token_urlsafe(36) + "aA1!"
