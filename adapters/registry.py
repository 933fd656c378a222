"""From the name of a contract to the adapter the settings chose for it."""

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal, cast, overload

from adapters import conf, site
from adapters.cmdb import port as cmdb
from adapters.compliance import port as compliance
from adapters.errors import BrokenAdapterError, UndeclaredSiteError, UnknownContractError
from adapters.forge import conf as forge_conf
from adapters.forge import port as forge
from adapters.forge.git import Git
from adapters.graph import port as graph
from adapters.inference import port as inference_port
from adapters.knowledge import conf as knowledge_conf
from adapters.knowledge import port as knowledge
from adapters.knowledge.repository import Git as KnowledgeGit
from adapters.monitoring import port as monitoring
from adapters.telemetry import port as telemetry
from adapters.tickets import following
from adapters.tickets import port as tickets


@overload
def reader(contract: Literal["tickets"]) -> tickets.Reader: ...
@overload
def reader(contract: Literal["cmdb"]) -> cmdb.Reader: ...
@overload
def reader(contract: Literal["monitoring"]) -> monitoring.Reader: ...
@overload
def reader(contract: Literal["telemetry"]) -> telemetry.Reader: ...
@overload
def reader(contract: Literal["graph"]) -> graph.Reader: ...
@overload
def reader(contract: Literal["compliance"]) -> compliance.Reader: ...
def reader(contract: str) -> object:
    """Return a contract's reader; anybody may hold one."""
    return _made(contract, "Reader")


@overload
def writer(contract: Literal["tickets"]) -> tickets.Writer: ...
@overload
def writer(contract: Literal["cmdb"]) -> cmdb.Writer: ...
@overload
def writer(contract: Literal["compliance"]) -> compliance.Writer: ...
def writer(contract: str) -> object:
    """Return a contract's writer; only the executor, rules and the owner's loader call this."""
    return _made(contract, "Writer")


def forge_reader() -> forge.Reader:
    """Return the forge contract's reader; it is told where the forge is."""
    return cast("forge.Reader", _made("forge", "Reader", place=forge_conf.place()))


def forge_writer(git: Git) -> forge.Writer:
    """Return the forge contract's writer, for the executor, which may start git."""
    return cast("forge.Writer", _made("forge", "Writer", place=forge_conf.place(), git=git))


def forge_reviewer() -> forge.Reviewer:
    """Return the forge contract's door for people."""
    return cast("forge.Reviewer", _made("forge", "Reviewer", place=forge_conf.place()))


def knowledge_reader(embedder: knowledge.Embedder | None = None) -> knowledge.Reader:
    """Return the knowledge contract's reader; with a model it compares by meaning, too."""
    return cast("knowledge.Reader", _made("knowledge", "Reader", embedder=embedder))


def knowledge_indexer(
    git: KnowledgeGit, branch: str, embedder: knowledge.Embedder | None = None
) -> knowledge.Indexer:
    """Return what brings the index to what was merged; git is of somebody who may start it."""
    made = _made("knowledge", "Indexer", git=git, branch=branch, embedder=embedder)
    return cast("knowledge.Indexer", made)


def knowledge_place() -> knowledge_conf.Place | None:
    """Return the repository of the knowledge base, None where there is none on this host.

    The one that the settings name; else the embedded forge's, to which people merge.
    """
    named = knowledge_conf.named()
    if named is not None or not conf.modules()["forge"].endswith(".embedded"):
        return named
    at = forge_conf.place()
    return knowledge_conf.Place(at.folder, at.base)


def follower() -> following.Follower:
    """Return what keeps up with a desk of tickets that others write to as well."""
    return cast("following.Follower", _made("tickets", "Follower"))


def copier() -> graph.Copier:
    """Return what keeps the graph's copy up to date, where its adapter answers from one."""
    return cast("graph.Copier", _made("graph", "Copier"))


def sweeper() -> monitoring.Sweeper:
    """Return the monitoring contract's sweeper."""
    return cast("monitoring.Sweeper", _made("monitoring", "Sweeper"))


def collector() -> telemetry.Collector:
    """Return the telemetry contract's collector."""
    return cast("telemetry.Collector", _made("telemetry", "Collector"))


def evidence() -> compliance.Collector:
    """Return the compliance contract's collector."""
    return cast("compliance.Collector", _made("compliance", "Collector"))


def receiver() -> telemetry.Receiver:
    """Return the telemetry contract's door for observers on other hosts."""
    return cast("telemetry.Receiver", _made("telemetry", "Receiver"))


def listener() -> telemetry.Listener:
    """Return what hears the telemetry contract's bus.

    Raises:
        BrokenAdapterError: the adapter has no bus.
    """
    return cast("telemetry.Listener", _made("telemetry", "Listener"))


def publisher() -> telemetry.Publisher:
    """Return the observer's end of that bus.

    Raises:
        BrokenAdapterError: the adapter has no bus.
    """
    return cast("telemetry.Publisher", _made("telemetry", "Publisher"))


def inference() -> inference_port.Inference:
    """Return the engine that answers questions, with the site's own rules in front.

    Made once per process: rules change with a restart, which checks them first.

    Raises:
        UndeclaredSiteError: the site file that names those rules has faults.
        FaultyRulesError: a rule file has faults.
    """
    return _engine(conf.modules()["inference"], conf.site_path())


@cache
def _engine(_dotted: str, site_path: Path | None) -> inference_port.Inference:
    made = _made("inference", "Inference", site_rules=_site_rules(site_path))
    return cast("inference_port.Inference", made)


def _site_rules(site_path: Path | None) -> Path | None:
    if site_path is None:
        return None
    read = site.read(site_path)
    if read.value is None:
        raise UndeclaredSiteError("; ".join(map(str, read.faults)))
    return site.rules_path(read)


def module(dotted: str) -> ModuleType:
    """Return an adapter's module, for the conformance kit alone.

    Raises:
        BrokenAdapterError: there is none of this path.
    """
    try:
        return import_module(dotted)
    except (ImportError, ValueError) as error:
        raise BrokenAdapterError(f"`{dotted}` is not to be loaded: {error}") from error


def _made(contract: str, name: str, **options: object) -> object:
    """Make the class `name` of the module the settings give for a contract."""
    dotted = conf.modules().get(contract)
    if dotted is None:
        raise UnknownContractError(f"No adapter is set for the contract `{contract}`.")
    try:
        made: object = getattr(import_module(dotted), name)(**options)
    except (ImportError, AttributeError) as error:
        raise BrokenAdapterError(
            f"`{dotted}` has no usable {name} for {contract}: {error}"
        ) from error
    return made
