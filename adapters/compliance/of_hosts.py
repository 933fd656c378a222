"""What facts about one host say of safeguards. Pure.

A collector says nothing where its fact cannot tell. That a unit is not among those which were
listed proves nothing: the query may have asked for others.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from adapters.compliance import support
from adapters.compliance.port import Fact
from adapters.compliance.values import flag, number, text, texts

Said: TypeAlias = tuple[str, str, bool, str]
"""A kind, a safeguard, whether it is met, and a sentence."""

WORKED_AT: Final = frozenset(
    {"desktop", "laptop", "mobile", "notebook", "pc", "phone", "tablet", "workstation"}
)
"""Classes of CIs that are devices people work at; whatever else has a host is a server."""

UNITS: Final[Mapping[str, tuple[str, str, str]]] = {
    "updates": ("updates.timed", "7.3", "What installs the system's updates by itself"),
    "scanner": ("scanner.runs", "10.1", "A scanner for malicious programs"),
    "signatures": ("signatures.renewed", "10.2", "What renews the scanner's signatures"),
    "forwarder": ("logs.handed_on", "8.2", "A program that hands the host's logs on"),
    "backup": ("copies.timed", "11.2", "The timer of a backup"),
}
"""What units of systemd do -> kind, safeguard, and what they are in a sentence."""

GOOD: Final[Mapping[str, bool]] = {"Good": True, "Poor": False, "Snoozed": False}
"""What Windows may say of its own health; everything else says nothing."""


def host(fact: Fact) -> Iterator[Said]:
    """How ethops reaches a host: `connection`."""
    how = text(fact, "connection")
    words = {"ssh": "by ssh", "local": "without a network, being on it"}
    said = f"Ethops administers the host {words.get(how, 'in a way that nobody encrypts')}."
    yield "host.managed", "4.6", how in words, said


def observer(fact: Fact) -> Iterator[Said]:
    """Whether a host's log of logins is `heard` in time, and whether lines were `lost` today."""
    heard, lost = flag(fact, "heard"), flag(fact, "lost")
    said = "is read" if heard else "is not read"
    gap = ", with lines lost within a day" if lost else ""
    yield "host.heard", "8.2", heard and not lost, f"The host's log of logins {said}{gap}."


def packages(fact: Fact) -> Iterator[Said]:
    """How many `rows` queries for packages have."""
    rows = number(fact, "rows")
    if rows:
        yield "software.listed", "2.1", True, f"{rows} packages are listed."


def accounts(fact: Fact) -> Iterator[Said]:
    """How many `rows` queries for accounts have."""
    rows = number(fact, "rows")
    if rows:
        yield "accounts.listed", "5.1", True, f"{rows} accounts are listed."


def passwords(fact: Fact) -> Iterator[Said]:
    """Of how many `brought` accounts of the system some are `open`, and how many are `empty`."""
    brought, open_, empty = number(fact, "brought"), number(fact, "open"), number(fact, "empty")
    if not (brought or empty):
        return
    said = f"{brought - open_} of {brought} accounts that the system brought along have no password"
    told = f"{said}, and {empty} accounts an empty one."
    yield "accounts.shut", "4.7", not (open_ or empty), told


def disks(fact: Fact) -> Iterator[Said]:
    """How many disks there are, and how many `encrypted`; of devices that people work at alone."""
    rows, encrypted = number(fact, "rows"), number(fact, "encrypted")
    if rows and _worked_at(fact):
        said = f"{encrypted} of {rows} disks and volumes are encrypted."
        yield "disks.encrypted", "3.6", encrypted > 0, said


def packet_filter(fact: Fact) -> Iterator[Said]:
    """Whether what comes in is refused unless a rule lets it: `closed`."""
    safeguard, closed = "4.5" if _worked_at(fact) else "4.4", flag(fact, "closed")
    said = "refuses what no rule lets in" if closed else "lets in what no rule refuses"
    yield "filter.closed", safeguard, closed, f"The packet filter {said}."


def system(fact: Fact) -> Iterator[Said]:
    """Which operating system it is: `platform`, `major` and `minor`."""
    found = support.until(text(fact, "platform"), text(fact, "major"), text(fact, "minor"))
    if found is not None:
        name, last = found
        mended = fact.at.date() <= last
        said = f"The operating system {name} {'is' if mended else 'was'} mended until {last}."
        yield "system.supported", "2.2", mended, said


def units(fact: Fact) -> Iterator[Said]:
    """What units that are known here are `running`, and which have `failed`."""
    running, failed = texts(fact, "running"), texts(fact, "failed")
    for name, (kind, safeguard, what) in UNITS.items():
        # A backup that failed is none, whatever timer goes on; of the rest one that runs will do.
        bad = name in failed and (name == "backup" or name not in running)
        if bad or name in running:
            yield kind, safeguard, not bad, f"{what} {'has failed' if bad else 'runs'}."


def resolvers(fact: Fact) -> Iterator[Said]:
    """How many resolvers are asked (`rows`), and how many are known to be `filtering`."""
    rows, filtering = number(fact, "rows"), number(fact, "filtering")
    # Any other may filter as well, and nobody here knows it.
    if rows and filtering == rows:
        said = f"All {rows} resolvers refuse names that are known to be bad."
        yield "resolvers.filter", "9.2", True, said


def center(fact: Fact) -> Iterator[Said]:
    """What Windows says of its own `firewall`, `autoupdate` and `antivirus`."""
    for name, safeguard in (
        ("firewall", "4.5" if _worked_at(fact) else "4.4"),
        ("autoupdate", "7.3"),
        ("antivirus", "10.1"),
    ):
        good = GOOD.get(text(fact, name))
        if good is not None:
            said = f"Windows says that its {name} is {'well' if good else 'not well'}."
            yield "windows.well", safeguard, good, said


def room(fact: Fact) -> Iterator[Said]:
    """Whether the file system of logs that a probe looks at has room: `room`."""
    has = flag(fact, "room")
    said = "has the room" if has else "has not the room"
    yield "logs.room", "8.3", has, f"The file system that holds logs {said} that was declared."


def _worked_at(fact: Fact) -> bool:
    return text(fact, "ci_class").lower() in WORKED_AT
