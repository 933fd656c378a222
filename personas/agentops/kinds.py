"""Words of agent operations: what detectors find, how far admission is closed, how runs exit."""

from collections.abc import Mapping
from typing import Final

FINDINGS: Final = ("deadlock", "anomaly", "throttle")
LEVELS: Final = ("open", "slow", "narrow", "shut")

EXIT_CODES: Final[Mapping[str, int]] = {
    "succeeded": 0,
    "failed": 1,
    "isolated": 75,
    "timed_out": 124,
    "cancelled": 143,
}
"""How a run ended -> its exit code, as a process would say it: 124 is `timeout`'s own, 143 that of
who was asked to end (SIGTERM), 75 that of who may be tried again (EX_TEMPFAIL)."""
