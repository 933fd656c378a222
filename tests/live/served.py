"""A server that tests speak to as to any Ollama, whoever it is."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Served:
    """Where it is, and which of its models chat and embed."""

    name: str
    url: str
    chat: str
    embed: str
    is_real: bool = False
    is_proxy: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    """What every request carries: the proxy wants a key."""
