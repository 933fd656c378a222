"""What the desk refuses, and why."""

from collections.abc import Mapping


class DeskError(Exception):
    """Something the desk could not do; `code` is stable, `hint` is the mend."""

    code = "desk.error"
    hint = "Look at the intake page."


class RejectedError(DeskError):
    """A delivery that cannot be understood; it is stored with this reason."""

    code = "desk.rejected"
    hint = "Send Alertmanager's own webhook body, version 4, as UTF-8 JSON."

    def __init__(self, code: str, reason: str, status: int, delivery_id: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.status = status
        self.delivery_id = delivery_id


class SenderRefusedError(DeskError):
    """There is no such sender, or nothing can be expected of it like that."""

    code = "desk.sender_refused"
    hint = "`sender list` names the senders; a silence is told after 10 s to a week."


class UnreadableDeedsError(DeskError):
    """The file of what people did past the ledger cannot be read; nothing was brought in."""

    code = "desk.unreadable_deeds"
    hint = "Mend what is named, then bring the file in again; what is on record stays once."


class WindowRefusedError(DeskError):
    """A maintenance window that cannot be declared so; `errors` says what is wrong, by field."""

    code = "desk.window_refused"
    hint = "Correct the fields that are named."

    def __init__(self, errors: Mapping[str, str]) -> None:
        said = " ".join(f"{name}: {fault}" for name, fault in sorted(errors.items()))
        super().__init__(f"Not fit for a maintenance window. {said}")
        self.errors = dict(errors)
