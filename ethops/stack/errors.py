"""Why a stack does not start: every fault says what, where and the mend."""

from pathlib import Path


class StackError(Exception):
    """Something of the launcher or supervisor cannot go on."""

    code = "stack.failed"

    def __init__(self, message: str, *, hint: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.log = log


class PortTakenError(StackError):
    """A port that we need is held by a process that is not ours."""

    code = "stack.port_taken"


class StateLockedError(StackError):
    """Another supervisor works on the same state folder."""

    code = "stack.locked"


class BinaryMissingError(StackError):
    """A server's program is neither on PATH nor in an installed wheel."""

    code = "stack.binary_missing"


class ServerFailedError(StackError):
    """A server or process ended, or was not ready in time."""

    code = "stack.server_failed"


class PreparationError(StackError):
    """Checks, migrations, the first login or the declared site were refused."""

    code = "stack.preparation_failed"


class NotRunningError(StackError):
    """There is no stack in this state folder."""

    code = "stack.not_running"
