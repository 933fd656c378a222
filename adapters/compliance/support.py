"""Until when makers mend their operating systems for everybody, as they have said. Pure.

Support that somebody pays for longer is not counted: who has it says so, by an exemption of the CI.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

NAMES: Final[Mapping[str, str]] = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "rhel": "Red Hat Enterprise Linux",
    "rocky": "Rocky Linux",
    "almalinux": "AlmaLinux",
}
"""The platform as osquery calls it -> what it is called."""

_UNTIL: Final[Mapping[str, Mapping[str, date]]] = {
    "debian": {
        "9": date(2022, 6, 30), "10": date(2024, 6, 30), "11": date(2026, 8, 31),
        "12": date(2028, 6, 30), "13": date(2030, 6, 30),
    },
    "ubuntu": {
        "16.04": date(2021, 4, 30), "18.04": date(2023, 5, 31), "20.04": date(2025, 5, 31),
        "22.04": date(2027, 4, 30), "24.04": date(2029, 4, 30),
    },
    "rhel": {
        "7": date(2024, 6, 30), "8": date(2029, 5, 31), "9": date(2032, 5, 31),
        "10": date(2035, 5, 31),
    },
    "rocky": {"8": date(2029, 5, 31), "9": date(2032, 5, 31), "10": date(2035, 5, 31)},
    "almalinux": {"8": date(2029, 3, 1), "9": date(2032, 5, 31), "10": date(2035, 5, 31)},
}  # fmt: skip


def until(platform: str, major: str, minor: str) -> tuple[str, date] | None:
    """Return what a system is called and its last day; None where nobody here knows it."""
    version = major
    if platform == "ubuntu":
        if not (minor.isascii() and minor.isdecimal()):
            return None
        version = f"{major}.{int(minor):02}"
    last = _UNTIL.get(platform, {}).get(version)
    return None if last is None else (f"{NAMES[platform]} {version}", last)
