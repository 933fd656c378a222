"""What the proxy answers instead of an answer."""

from collections.abc import Mapping

from gpu.errors import GpuError


class ProxyError(GpuError):
    """The base of the proxy's errors."""

    code = "proxy.error"


class RefusedError(ProxyError):
    """A request that is not served; `kind` is the word for it that programs compare."""

    code = "proxy.refused"
    hint = "The message says what may be asked for."

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.headers = dict(headers or {})


class DivergedError(ProxyError):
    """The job began anew after its first words had left, and says something else now."""

    code = "proxy.diverged"
    hint = "Ask again: the job's row holds the whole answer, but half of another one was sent."


class GoneError(ProxyError):
    """The client closed its connection, or does not read."""

    code = "proxy.gone"
    hint = "Nothing to mend: its request has left the queue."
