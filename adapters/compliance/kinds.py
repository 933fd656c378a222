"""Which kinds of observations speak for which safeguards, how strongly, and for how long. Pure.

Whatever has no row here carries nothing. Strong is what shows the safeguard itself, for all of the
scope; partial is what shows a part of it, or only that it is being done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from adapters.compliance.port import Strength


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
    SCAN: Kind(
        dict.fromkeys(SCANNED, "partial"), timedelta(days=35), "the rules of a scanner all hold"
    ),
}
