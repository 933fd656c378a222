"""Which kinds of observations speak for which safeguards, how strongly, and for how long. Pure.

Whatever has no row here carries nothing. Strong is what shows the safeguard itself, for all of the
scope; partial is what shows a part of it, or only that it is being done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from adapters.compliance.port import Strength
from adapters.compliance.safeguards import IG1


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of observation is worth: safeguard -> at most how strong, and how long."""

    speaks: Mapping[str, Strength]
    lasts: timedelta
    what: str


SCANNED: Final = (
    *("3.3", "4.3", "4.4", "4.5", "4.6", "4.7", "5.2", "5.3", "5.4"),
    *("7.3", "8.2", "8.3", "10.1", "10.2", "10.3"),
)
"""What rules of a scanner can show of a host; its answer is partial, since rules are samples."""

SCAN: Final = "scan.rules"
ATTESTED: Final = "person.attested"
"""A person's word: no fact makes it, and it is never taken for something that was measured."""
ASSESSED: Final = "assessed.elsewhere"
"""A person's word that another system keeps."""
WORDS: Final = frozenset({ATTESTED, ASSESSED})
"""Kinds that somebody has said, and nobody measured."""
LAPSES: Final = frozenset(
    {
        *("people.here", "roles.recorded", "factors.held"),
        *("providers.kept", "contacts.kept", "documents.kept", ASSESSED),
    }
)
"""Kinds whose *unmet* ends as their *met* does: lists that are read whole each hour. What still
stands is said again long before; of what was taken off the list nothing is said any more."""

WRITTEN: Final = tuple(one.id for one in IG1.values() if one.mode == "document")
"""What a dated document can speak for."""

KINDS: Final[Mapping[str, Kind]] = {
    "inventory.kept": Kind({"1.1": "partial"}, timedelta(days=7), "the CMDB lists CIs and hosts"),
    "inventory.compared": Kind(
        {"1.1": "strong"}, timedelta(days=2), "what others see on the network is on the list"
    ),
    "unlisted.followed": Kind(
        {"1.2": "strong"}, timedelta(days=7), "what was seen and is no CI waits for at most a week"
    ),
    "host.managed": Kind(
        {"4.6": "partial"}, timedelta(days=2), "ethops itself reaches the host by ssh, or is on it"
    ),
    "host.heard": Kind(
        {"8.2": "partial"}, timedelta(days=1), "the host's log of logins is read without a gap"
    ),
    "software.listed": Kind(
        {"2.1": "partial"}, timedelta(days=8), "osquery lists the packages of the host"
    ),
    "accounts.listed": Kind(
        {"5.1": "partial"}, timedelta(days=8), "osquery lists the accounts of the host"
    ),
    "disks.encrypted": Kind(
        {"3.6": "partial"}, timedelta(days=8), "osquery finds an encrypted disk at the device"
    ),
    "filter.closed": Kind(
        {"4.4": "partial", "4.5": "partial"},
        timedelta(days=2),
        "osquery finds that the packet filter lets in only what is named",
    ),
    "system.supported": Kind(
        {"2.2": "partial"},
        timedelta(days=8),
        "osquery tells an operating system that its makers still mend",
    ),
    "accounts.shut": Kind(
        {"4.7": "partial"},
        timedelta(days=8),
        "osquery finds no password at accounts that the system brought along",
    ),
    "updates.timed": Kind(
        {"7.3": "partial"},
        timedelta(days=8),
        "osquery finds that the system's updates are installed by a timer",
    ),
    "logs.handed_on": Kind(
        {"8.2": "partial"},
        timedelta(days=8),
        "osquery finds a program that hands the host's logs on",
    ),
    "logs.room": Kind(
        {"8.3": "partial"}, timedelta(days=1), "a probe finds room in the file system of logs"
    ),
    "resolvers.filter": Kind(
        {"9.2": "partial"}, timedelta(days=8), "osquery finds resolvers alone that refuse bad names"
    ),
    "scanner.runs": Kind(
        {"10.1": "partial"},
        timedelta(days=8),
        "osquery finds that a scanner for malicious programs runs",
    ),
    "signatures.renewed": Kind(
        {"10.2": "partial"}, timedelta(days=8), "osquery finds that what renews its signatures runs"
    ),
    "copies.timed": Kind(
        {"11.2": "partial"},
        timedelta(days=8),
        "osquery finds the timer of a backup that has not failed",
    ),
    "windows.well": Kind(
        dict.fromkeys(("4.4", "4.5", "7.3", "10.1"), "partial"),
        timedelta(days=8),
        "Windows itself says that it is well",
    ),
    "people.here": Kind(
        {"5.3": "partial"}, timedelta(days=2), "no open account of ethops was left for 45 days"
    ),
    "roles.recorded": Kind(
        {"6.1": "partial"},
        timedelta(days=2),
        "people have the roles at ethops that the record says",
    ),
    "factors.held": Kind(
        {"6.5": "partial"},
        timedelta(days=2),
        "who administers or approves at ethops has a second factor",
    ),
    "providers.kept": Kind(
        {"15.1": "partial"}, timedelta(days=7), "providers in the CMDB say who answers for them"
    ),
    "contacts.kept": Kind(
        {"17.2": "partial"}, timedelta(days=2), "rules of notices tell contacts that are there"
    ),
    "documents.kept": Kind(
        dict.fromkeys(WRITTEN, "partial"),
        timedelta(days=2),
        "a merged document speaks for it, and its review is not overdue",
    ),
    SCAN: Kind(
        dict.fromkeys(SCANNED, "partial"), timedelta(days=35), "the rules of a scanner all hold"
    ),
    ATTESTED: Kind(
        dict.fromkeys(IG1, "partial"),
        timedelta(days=366),
        "a person says with a second factor what was done, where it is written, and until when",
    ),
    ASSESSED: Kind(
        dict.fromkeys(IG1, "partial"),
        timedelta(days=2),
        "an audit at CISO Assistant says so, in a row that was changed within a year",
    ),
}
