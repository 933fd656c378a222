"""The site file: hosts, CIs with their probes, join rules, and whom to tell."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from adapters import declared
from adapters.cmdb.declared import DEFAULT_JOIN_RULES, DeclaredCI, DeclaredHost, DeclaredJoinRule
from adapters.cmdb.port import Inventory
from adapters.declared import Declaration, Fault, Read, refusal
from adapters.monitoring.declared import DeclaredProbe

SOURCE = "site"
"""The name under which the CMDB keeps what this file declares."""


class SiteCI(DeclaredCI):
    """A CI and the probes that stand on it."""

    probes: Annotated[tuple[DeclaredProbe, ...], Field(max_length=32)] = ()


class NotifyTarget(Declaration):
    """Where a person is told: an HTTP POST (as ntfy takes it), or mail."""

    kind: Literal["http", "mail"]
    url: Annotated[str, Field(max_length=500, pattern=r"^https?://[!-~]+$")] | None = None
    to: Annotated[str, Field(max_length=200, pattern=r"^[^@\s]+@[^@\s]+$")] | None = None

    @model_validator(mode="after")
    def _addressed(self) -> "NotifyTarget":
        wanted = "url" if self.kind == "http" else "to"
        given = {name for name in ("url", "to") if getattr(self, name) is not None}
        if given != {wanted}:
            raise refusal(f"A notification by {self.kind} needs `{wanted}` alone.", "Give that.")
        return self


class Site(Declaration):
    """Everything one installation declares about its world."""

    hosts: tuple[DeclaredHost, ...] = ()
    cis: tuple[SiteCI, ...] = ()
    join_rules: tuple[DeclaredJoinRule, ...] = ()
    """None: the label `ci` names the CI, as our own probes set it."""
    notify: NotifyTarget | None = None
    rules: Annotated[str, Field(max_length=500)] | None = None
    """A file of inference rules of this site's own, relative to this file; they go first."""

    def inventory(self) -> Inventory:
        """Return what the CMDB is to hold of this site."""
        return Inventory(
            hosts=tuple(host.row() for host in self.hosts),
            cis=tuple(ci.row(source=SOURCE) for ci in self.cis),
            rules=tuple(rule.row() for rule in self.join_rules) or DEFAULT_JOIN_RULES,
        )


def read(path: Path) -> Read[Site]:
    """Read a site file; names that are used twice or lead nowhere are faults too."""
    found = declared.read(path, Site)
    if found.value is None:
        return found
    faults = tuple(sorted(_faults(found, found.value), key=lambda fault: fault.line))
    return Read(found.file, None, faults, found.lines) if faults else found


def rules_path(found: Read[Site]) -> Path | None:
    """Return the file of the site's own inference rules."""
    if found.value is None or found.value.rules is None:
        return None
    return Path(found.file).parent / found.value.rules


def _faults(found: Read[Site], site: Site) -> Iterator[Fault]:
    hosts = {host.name for host in site.hosts}
    for number, ci in enumerate(site.cis):
        if ci.host is not None and ci.host not in hosts:
            what = f"CI {ci.ref} runs on host {ci.host}, which is not declared."
            yield found.fault(("cis", number, "host"), what, "Declare it under `hosts`.")
    named: dict[tuple[str | int, ...], tuple[str, str]] = {}
    for number, host in enumerate(site.hosts):
        named["hosts", number, "name"] = ("host", host.name)
    for number, ci in enumerate(site.cis):
        named["cis", number, "ref"] = ("CI", ci.ref)
        for place, probe in enumerate(ci.probes):
            named["cis", number, "probes", place, "name"] = ("probe", probe.name)
    for number, rule in enumerate(site.join_rules):
        named["join_rules", number, "name"] = ("join rule", rule.name)
    seen: Counter[tuple[str, str]] = Counter()
    for loc, (kind, name) in named.items():
        seen[kind, name] += 1
        if seen[kind, name] > 1:
            yield found.fault(loc, f"There is a second {kind} {name}.", "Give it another name.")
