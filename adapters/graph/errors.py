"""What the graph contract could not do."""

from typing import ClassVar

from adapters.errors import AdapterError


class TooManyPlacesError(AdapterError):
    """A question names more CIs than one answer can weigh."""

    code: ClassVar[str] = "graph.too_many_places"
    hint: ClassVar[str] = "Ask about fewer CIs at once."


class GraphAwayError(AdapterError):
    """The server that holds the graph does not answer, or refuses."""

    code: ClassVar[str] = "graph.away"
    hint: ClassVar[str] = "See the message; without an answer, what stands on a CI is unknown."


class GraphOldError(GraphAwayError):
    """What the server holds is a copy that is older than it may be."""

    code: ClassVar[str] = "graph.old"
    hint: ClassVar[str] = "See why it is not brought up to date: `manage.py graph state`."


class GraphBusyError(AdapterError):
    """Another process brings the copy up to date at this moment."""

    code: ClassVar[str] = "graph.busy"
    hint: ClassVar[str] = "Nothing is to be done: it is being copied."
