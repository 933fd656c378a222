"""Bring CIs from an owner's file: compared first, then all of it written, or nothing, on record."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from django.db import transaction

from adapters.cmdb import claims, comparison, incoming, services
from adapters.cmdb.comparison import Plan
from adapters.cmdb.incoming import Incoming
from adapters.cmdb.port import Host
from adapters.declared import Fault, Read
from adapters.json_value import JSON
from audit.ledger import pending
from ethops.imports import ansible
from ethops.imports.errors import FaultsError, GoneRefusedError, InventoryRefusedError

Format: TypeAlias = Literal["yaml", "csv", "ansible"]

FORMATS: Final[tuple[Format, ...]] = ("yaml", "csv", "ansible")
PREFIX: Final = "import:"
"""With the import's name, the source under which the CMDB keeps what it brought."""
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?")
OURS: Final = re.compile(rb"^(?:cis|hosts)\s*:", re.MULTILINE)
NAMED: Final = 300
"""So many rows of each kind are named on record; the file's digest stands for all."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who brings it, and why."""

    by: str
    why: str


def source_of(name: str) -> str:
    """Return the source that an import of this name is.

    Raises:
        InventoryRefusedError: it is no name.
    """
    if not NAME.fullmatch(name):
        raise InventoryRefusedError(
            f"{name!r} is no name of an import.", "Name it in small letters and digits, at most 40."
        )
    return PREFIX + name


def guessed(path: Path) -> Format:
    """Return how a file is to be read, by its ending, and YAML by its first keys."""
    if path.suffix.lower() == ".csv":
        return "csv"
    if path.suffix.lower() not in ansible.YAML:
        return "ansible"
    try:
        raw = path.read_bytes()[: incoming.LIMITS.bytes]
    except OSError:
        return "yaml"
    return "yaml" if OURS.search(raw) or not raw.strip() else "ansible"


def read(path: Path, form: Format) -> tuple[Read[Incoming], Incoming]:
    """Return what the file declares, and where in it.

    Raises:
        FaultsError: names all that is wrong with it, with lines and mends.
        InventoryRefusedError: it is nothing that is read at all.
    """
    if form == "ansible":
        found = incoming.of(str(path), *ansible.load(path))
    else:
        found = incoming.read_csv(path) if form == "csv" else incoming.read_yaml(path)
    if found.value is None:
        raise FaultsError(found.faults)
    return found, found.value


@transaction.atomic
def bring(
    path: Path,
    *,
    name: str,
    form: Format,
    accounts: Collection[str],
    write: Signed | None,
    gone: int | None = None,
) -> Plan:
    """Return what the file makes new, changes and takes away; with `write`, it is done.

    Where accounts are given, hosts are reached as one of them.

    Raises:
        ImportRefusedError: nothing of it is written, for the reasons it names.
    """
    source = source_of(name)
    digest = _digest(path)
    found, declared = read(path, form)
    if not digest or _digest(path) != digest:
        raise InventoryRefusedError(
            f"{path} is no file that stays as it is.", "Save it as one, and import that."
        )
    services.one_at_a_time()
    wrong = tuple(_unfit(found, declared, source, accounts))
    if wrong:
        raise FaultsError(sorted(wrong, key=lambda fault: fault.line))
    wanted = declared.inventory(source)
    plan = comparison.compare(
        hosts=(_by_name(services.hosts_of(source)), _by_name(wanted.hosts)),
        cis=(services.words_of(source), {ci.ref: claims.words_of(ci) for ci in wanted.cis}),
    )
    if write is None or plan.nothing:
        return plan
    if plan.asks and gone != len(plan.gone):
        raise GoneRefusedError(
            f"{len(plan.gone)} would be gone, which is more than one in {comparison.BELIEVED}.",
            "Look whether the file is whole. If they are gone indeed, say"
            f" `--gone {len(plan.gone)}`.",
        )
    services.apply_inventory(inventory=wanted, source=source)
    _note(plan, source, (path.name, digest), write)
    return plan


def _unfit(
    found: Read[Incoming], declared: Incoming, source: str, accounts: Collection[str]
) -> Iterator[Fault]:
    """Yield what does not fit to what others declare."""
    hosts = services.hosts_elsewhere(source)
    known = {*hosts, *(host.name for host in declared.hosts)}
    for number, host in enumerate(declared.hosts):
        if host.name in hosts:
            what = f"Host {host.name} is declared by {hosts[host.name]} already."
            yield found.fault(("hosts", number), what, "Change it there, or take it out here.")
        if accounts and host.connection == "ssh" and host.user not in accounts:
            what = f"Host {host.name} is reached as {host.user or 'nobody named'}."
            mend = f"No key has that account; those there are: {', '.join(sorted(accounts))}."
            yield found.fault(("hosts", number), what, mend)
    for number, ci in enumerate(declared.cis):
        if ci.host is not None and ci.host not in known:
            what = f"CI {ci.ref} runs on host {ci.host}, which nobody declares."
            yield found.fault(("cis", number), what, "Declare it under `hosts`, here or elsewhere.")


def _by_name(hosts: Iterable[Host]) -> dict[str, dict[str, JSON]]:
    return {host.name: asdict(host) for host in hosts}


def _digest(path: Path) -> str:
    """Return what stands for a file on record; nothing where there is none."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _note(plan: Plan, source: str, file: tuple[str, str], write: Signed) -> None:
    changed = sorted({change.what for change in plan.changed})
    pending.note(
        kind="site.cis_imported",
        subject=source,
        body={
            "by": write.by,
            "why": write.why,
            "file": file[0][:200],
            "file_sha256": file[1],
            "counts": [len(plan.new), len(changed), len(plan.gone)],
            "new": list(plan.new[:NAMED]),
            "changed": changed[:NAMED],
            "gone": list(plan.gone[:NAMED]),
        },
    )
