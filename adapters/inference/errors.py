"""What can go wrong when a question is asked."""

from adapters.errors import AdapterError


class InferenceError(AdapterError):
    """The base of the inference contract's errors."""

    code = "inference.error"


class NoAnswerError(InferenceError):
    """Nothing chose a candidate, and the question does not offer to escalate."""

    code = "inference.no_answer"
    hint = "Offer `escalate` among the candidates, or add a rule that fits the facts."


class FaultyRulesError(InferenceError):
    """The rule files have faults, so no question can be answered."""

    code = "inference.faulty_rules"
    hint = "Run `manage.py check`: it names file, line and mend of each fault."


class OversizeError(InferenceError):
    """The question does not fit the slot's context, however its facts are shortened."""

    code = "inference.oversize"
    hint = "Give the question fewer facts or candidates, or the card a slot with more context."


class MalformedAnswerError(InferenceError):
    """The model's text is no answer to its question."""

    code = "inference.malformed_answer"
    hint = "Nothing was chosen; ask again, or give the card a model that keeps to a schema."


class RefusedOptionError(InferenceError):
    """A request asks for an option that is not its to set."""

    code = "inference.refused_option"
    hint = "Send sampling options alone; runner options belong to the slot."


class ModelServerError(InferenceError):
    """The base of what can go wrong between us and the server that holds the models."""

    code = "inference.server"
    hint = "See the log of the model server."


class UnreachableError(ModelServerError):
    """No connection, or one that ended before any answer."""

    code = "inference.unreachable"
    hint = "Is the model server running, and does the card's URL name it?"


class OverDeadlineError(ModelServerError):
    """The answer was not whole when its time was over, or nothing came for too long."""

    code = "inference.over_deadline"
    hint = "The server may hang: look at /api/ps, and at what else uses the card."


class StoppedError(ModelServerError):
    """Who asked wants no answer any more; the connection is closed."""

    code = "inference.stopped"
    hint = "Nothing to mend: the call was ended on our side."


class CutStreamError(ModelServerError):
    """The stream ended without its last line."""

    code = "inference.cut_stream"
    hint = "The server or its runner died; its log says why."


class MalformedStreamError(ModelServerError):
    """What came is not what the protocol says."""

    code = "inference.malformed_stream"
    hint = "Is this an Ollama, of a version we know?"


class ServerSaidError(ModelServerError):
    """The server answered with an error: as a status, or as a line within a stream (200)."""

    code = "inference.server_said"
    hint = "The message is the server's own."

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UnknownModelError(ServerSaidError):
    """The server has no such model."""

    code = "inference.unknown_model"
    hint = "Pull the model on that server, or correct the slot's model name."


class BusyError(ServerSaidError):
    """The server takes no more requests for now."""

    code = "inference.busy"
    hint = "Somebody else uses this server: let the worker alone speak to it."
