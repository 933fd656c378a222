"""A request in the words of the queue, whichever API it came by."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.json_value import JSON
from gpu.proxy.shapes import Shape
from gpu.states import JobKind


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one request asks for; `options` may repeat what the slot fixes, and no more.

    `body` has the keys of its kind without the sampling; `longest` is what must fit the context;
    `at_once` is the answer to a request that needs no card.
    """

    kind: JobKind
    model: str
    shape: Shape
    body: Mapping[str, JSON] = field(default_factory=dict)
    options: Mapping[str, JSON] = field(default_factory=dict)
    streams: bool = False
    bound: bool = False
    tokens: int = 0
    longest: int = 0
    at_once: Mapping[str, JSON] | None = None
