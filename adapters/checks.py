"""System checks: every fault of a declared file with its file, line and mend."""

from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from adapters import conf, secret_files, site
from adapters.declared import Fault
from adapters.inference.rules import SHIPPED, read_rules

SECRETS: Final = {
    ("graph", "password_file"): "NEO4J_PASSWORD_FILE",
    ("forge", "token_file"): "ETHOPS_FORGE_TOKEN_FILE",
    ("compliance", "token_file"): "ETHOPS_CISO_TOKEN_FILE",
}
"""Contract and option that name a file with a secret -> the variable that says it."""


def check_site(**_kwargs: Any) -> list[CheckMessage]:
    """Report the site file's faults as site.E001."""
    path = conf.site_path()
    return _errors("site.E001", site.read(path).faults) if path else []


def check_observers(**_kwargs: Any) -> list[CheckMessage]:
    """Report as site.W001 what ethops does on a host unseen, and as site.W002 keys not declared."""
    path = conf.site_path()
    found = site.read(path) if path else None
    if found is None or found.value is None:
        return []
    cautions: list[CheckMessage] = [
        Caution(
            f"{found.file}: nobody watches host {host}: what our keys do there is not checked.",
            hint="Add it under `observers`; see docs/reference/telemetry.md.",
            id="site.W001",
        )
        for host in site.unobserved(found.value)
    ]
    if not found.value.keys and any(host.connection == "ssh" for host in found.value.hosts):
        cautions.append(
            Caution(
                f"{found.file}: hosts are reached by ssh and no key is declared.",
                hint="Add fingerprint and accounts under `keys`; `ssh-keygen -lf KEY.pub` says it.",
                id="site.W002",
            )
        )
    return cautions


def check_rules(**_kwargs: Any) -> list[CheckMessage]:
    """Report faults of the shipped and the site's own inference rules as inference.E001."""
    path = conf.site_path()
    extra = site.rules_path(site.read(path)) if path else None
    faults = [fault for file in (extra, SHIPPED) if file for fault in read_rules(file).faults]
    return _errors("inference.E001", faults)


def check_modules(**_kwargs: Any) -> list[CheckMessage]:
    """Report a contract whose adapter cannot be found as adapters.E001."""
    return [
        Error(
            f"The adapter {dotted} of the contract {contract} does not exist.",
            hint="Correct the ADAPTERS setting.",
            id="adapters.E001",
        )
        for contract, dotted in conf.modules().items()
        if not _exists(dotted)
    ]


def check_secrets(**_kwargs: Any) -> list[CheckMessage]:
    """Report a file that holds what a peer knows us by, and is none, as adapters.E002."""
    return [
        Error(
            f"{variable}={path}: {wrong}",
            hint=secret_files.MEND,
            id="adapters.E002",
        )
        for (contract, name), variable in SECRETS.items()
        if (path := conf.options(contract).get(name))
        for wrong in _looked_at(contract)(Path(str(path)))
    ]


def check_repository(**_kwargs: Any) -> list[CheckMessage]:
    """Report a repository of knowledge that is named and is not there as adapters.E003."""
    named = conf.options("knowledge").get("repository")
    if not named or Path(str(named)).is_dir():
        return []
    return [
        Error(
            f"ETHOPS_KNOWLEDGE_REPOSITORY={named}: there is no such folder.",
            hint="Name a bare repository on this host, which the desk's user may read.",
            id="adapters.E003",
        )
    ]


def _errors(identity: str, faults: Iterable[Fault]) -> list[CheckMessage]:
    return [
        Error(f"{fault.file}:{fault.line}: {fault.what}", hint=fault.mend, id=identity)
        for fault in faults
    ]


def _looked_at(contract: str) -> Callable[[Path], Iterator[str]]:
    # A password of the graph goes in no header: it may hold spaces, and any script.
    return secret_files.faults if contract == "graph" else secret_files.token_faults


def _exists(dotted: str) -> bool:
    try:
        return find_spec(dotted) is not None
    except ImportError:
        return False
