"""What can go wrong between us and a ticket system."""

from collections.abc import Mapping

from adapters.errors import AdapterError


class TicketError(AdapterError):
    """The base of the tickets contract's errors."""

    code = "tickets.error"


class TicketNotFoundError(TicketError):
    """No ticket has this ref."""

    code = "tickets.not_found"
    hint = "Refs look like INC-00001, PRB-00001, CHG-00001 or REQ-00001."


class MoveRefusedError(TicketError):
    """The ticket's state does not allow this stimulus."""

    code = "tickets.move_refused"
    hint = "The moves of each class stand in docs/reference/tickets.md."


class NotAllowedError(TicketError):
    """Somebody else has to do this."""

    code = "tickets.not_allowed"
    hint = "Who may do what stands in docs/reference/tickets.md."


class NotIndependentError(TicketError):
    """Who asked for something, or does it, does not approve it."""

    code = "tickets.not_independent"
    hint = "Ask another approver; who operates a house alone declares that in the site file."


class TooLateError(TicketError):
    """The requester's time to have the ticket opened again is over."""

    code = "tickets.too_late"
    hint = "Open a new ticket that names this one."


class StepsOpenError(TicketError):
    """A request is not resolved before its steps are done."""

    code = "tickets.steps_open"
    hint = "Finish the steps first."


class RecurrenceUnknownError(TicketError):
    """Nobody has looked whether the incidents of a problem came back."""

    code = "tickets.recurrence_unknown"
    hint = "A problem is closed once it was seen that its incidents stay away."


class CameBackError(TicketError):
    """Incidents of a problem came back after it was resolved."""

    code = "tickets.came_back"
    hint = "Open the problem again: its cause is still there."


class _FieldsError(TicketError):
    """The base of what stands beside fields; `errors` says what is wrong, by field."""

    def __init__(self, said: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(said)
        self.errors = {name: [fault] for name, fault in (errors or {}).items()}


class FieldMissingError(_FieldsError):
    """The move needs a field that was neither given nor set before."""

    code = "tickets.field_missing"
    hint = "Fill in the fields that are named."


class CauseTakenError(TicketError):
    """Another open incident already stands for the same cause."""

    code = "tickets.cause_taken"
    hint = "Work on the open incident, or resolve it before this one is opened again."


class NoCounterpartError(TicketError):
    """The desk that holds the ticket has no way to make this move."""

    code = "tickets.no_counterpart"
    hint = "It is made there by hand; what a desk lacks stands on its page in docs/reference."


class HeldError(TicketError):
    """Somebody has the ticket that another claims; `holder` says who."""

    code = "tickets.held"
    hint = "Look at the ticket: who takes it from its holder says so (`instead_of`)."

    def __init__(self, ref: str, holder: str) -> None:
        super().__init__(f"{holder or 'Nobody'} has {ref}.")
        self.holder = holder


class KeyReusedError(TicketError):
    """The idempotency key was used before for another verb or another ticket."""

    code = "tickets.key_reused"
    hint = "Make one key per effect; an action's id is the key of its own effect only."


class DraftRefusedError(_FieldsError):
    """A new ticket, note or field holds a value the contract does not allow."""

    code = "tickets.draft_refused"
    hint = "See the message for the field and its range."


class UnknownModelError(TicketError):
    """The catalogue has no such item, or has it no longer."""

    code = "tickets.unknown_model"
    hint = "GET /api/v1/request-models lists what may be requested."


class QuestionOverError(TicketError):
    """A question was answered before, or nobody needs the answer any more."""

    code = "tickets.question_over"
    hint = "Write a note, or assign the ticket back: a new run asks what it needs."


class FileRefusedError(TicketError):
    """A file is not kept with the ticket."""

    code = "tickets.file_refused"
    hint = "Keep it elsewhere and write where, or take it in pieces."
