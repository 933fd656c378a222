"""Which adapters each contract has, and the kit of cases by which they are checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from adapters import conf, registry
from adapters.cmdb.conformance import KIT as CMDB
from adapters.compliance.conformance import KIT as COMPLIANCE
from adapters.conformance import AnyKit, Bench, Options, cannot
from adapters.errors import BrokenAdapterError, UnknownContractError
from adapters.forge.conformance.bench import Bench as ForgeBench
from adapters.forge.conformance.bench import GitAt
from adapters.forge.conformance.kit import KIT as FORGE
from adapters.graph.conformance import KIT as GRAPH
from adapters.inference.conformance import KIT as INFERENCE
from adapters.knowledge.conformance.bench import Bench as KnowledgeBench
from adapters.knowledge.conformance.kit import KIT as KNOWLEDGE
from adapters.monitoring.conformance import KIT as MONITORING
from adapters.telemetry.conformance import KIT as TELEMETRY
from adapters.tickets.conformance.kit import KIT as TICKETS

ADAPTERS: Final[Mapping[str, Mapping[str, str]]] = {
    "tickets": {
        "embedded": "adapters.tickets.embedded",
        "itop": "adapters.tickets.itop.desk",
    },
    "cmdb": {"embedded": "adapters.cmdb.embedded"},
    "graph": {"embedded": "adapters.graph.embedded", "neo4j": "adapters.graph.neo4j"},
    "monitoring": {"embedded": "adapters.monitoring.embedded"},
    "telemetry": {"embedded": "adapters.telemetry.embedded", "bus": "adapters.telemetry.bus"},
    "inference": {
        "embedded": "adapters.inference.embedded",
        "ollama": "adapters.inference.ollama",
        "openai": "adapters.inference.openai",
    },
    "compliance": {
        "embedded": "adapters.compliance.embedded",
        "openscap": "adapters.compliance.openscap",
        "ciso_assistant": "adapters.compliance.ciso_assistant",
    },
    "forge": {
        "embedded": "adapters.forge.embedded",
        "gitea": "adapters.forge.gitea",
        "github": "adapters.forge.github",
    },
    "knowledge": {"embedded": "adapters.knowledge.embedded"},
}
"""Contract -> name of an adapter -> its module; a site may name a module of its own instead."""

KITS: Final[Mapping[str, AnyKit]] = {
    kit.contract: kit
    for kit in (
        *(TICKETS, CMDB, GRAPH, MONITORING, TELEMETRY, COMPLIANCE),
        *(INFERENCE, FORGE, KNOWLEDGE),
    )
}


@dataclass(frozen=True, slots=True)
class Known:
    """One adapter of a contract; `chosen` is what the settings name."""

    contract: str
    name: str
    module: str
    chosen: bool
    cases: int
    cannot: Mapping[str, str]


def known() -> tuple[Known, ...]:
    """Return every adapter that there is, and what the settings choose beside them."""
    found: list[Known] = []
    for contract, kit in KITS.items():
        chosen = conf.modules()[contract]
        named = dict(ADAPTERS[contract])
        if chosen not in named.values():
            named[chosen] = chosen
        found += [
            Known(
                contract, name, module, module == chosen, len(kit.cases),
                cannot(registry.module(module)),
            )
            for name, module in named.items()
        ]  # fmt: skip
    return tuple(found)


def kit(contract: str) -> AnyKit:
    """Return the kit of a contract.

    Raises:
        UnknownContractError: there is none.
    """
    if contract not in KITS:
        raise UnknownContractError(f"No contract `{contract}`; there are: {', '.join(KITS)}.")
    return KITS[contract]


def bench(contract: str, adapter: ModuleType, marker: str, options: Options, git: GitAt) -> Bench:
    """Put an adapter onto its contract's bench; git is handed in, since no adapter starts it."""
    made: Bench = kit(contract).bench(adapter, marker, options)
    if isinstance(made, ForgeBench | KnowledgeBench):
        made.git = git
    return made


def module(contract: str, name: str = "") -> ModuleType:
    """Return an adapter by its name or its module; the one that the settings choose without one.

    Raises:
        UnknownContractError: there is no such contract.
        BrokenAdapterError: there is no such adapter.
    """
    kit(contract)
    dotted = ADAPTERS[contract].get(name, name) or conf.modules()[contract]
    try:
        return registry.module(dotted)
    except BrokenAdapterError as error:
        names = ", ".join(ADAPTERS[contract])
        raise BrokenAdapterError(
            f"No adapter `{name}` of {contract}; there are: {names}, or the path of a module:"
            f" {error}"
        ) from error
