"""What can go wrong between us and a ticket system."""

from adapters.errors import AdapterError


class TicketError(AdapterError):
    """The base of the tickets contract's errors."""

    code = "tickets.error"


class TicketNotFoundError(TicketError):
    """No ticket has this ref."""

    code = "tickets.not_found"
    hint = "Refs look like INC-00001 or CHG-00001."


class MoveRefusedError(TicketError):
    """The ticket's state does not allow this stimulus."""

    code = "tickets.move_refused"
    hint = "The allowed moves of each class stand in adapters/tickets/states.py."


class FieldMissingError(TicketError):
    """The move needs a field that was neither given nor set before."""

    code = "tickets.field_missing"
    hint = "ev_assign needs a team, ev_resolve a solution."


class CauseTakenError(TicketError):
    """Another open incident already stands for the same cause."""

    code = "tickets.cause_taken"
    hint = "Work on the open incident, or resolve it before this one is opened again."


class KeyReusedError(TicketError):
    """The idempotency key was used before for another verb or another ticket."""

    code = "tickets.key_reused"
    hint = "Make one key per effect; an action's id is the key of its own effect only."


class DraftRefusedError(TicketError):
    """A new ticket, note or field holds a value the contract does not allow."""

    code = "tickets.draft_refused"
    hint = "See the message for the field and its range."
