"""Users and folders, as systemd makes them: sysusers.d(5) and tmpfiles.d(5). Pure."""

from pathlib import Path

from ethops.split.families import FAMILIES, SHARED_GROUP


def users() -> str:
    """Return the users, each without a login, and the group that may press the stop."""
    made = [
        f'u {family.user} - "ethops {family.title}" /var/lib/ethops-home/{family.user} -'
        for family in FAMILIES
    ]
    return "\n".join([*made, f"g {SHARED_GROUP} -", f"m ethops-web {SHARED_GROUP}", ""])


def folders(state: Path) -> str:
    """Return the folders: the state is entered by all and listed by none of them."""
    made = [
        # Sticky: who may lay a stop file there takes away nobody else's.
        f"d {state} 1731 root {SHARED_GROUP} -",
        "d /var/lib/ethops-home 0711 root root -",
        *(f"d /var/lib/ethops-home/{f.user} 0700 {f.user} {f.user} -" for f in FAMILIES),
        *(f"d {state}/{f.folder} 0700 {f.user} {f.user} -" for f in FAMILIES if f.folder),
    ]
    return "\n".join([*made, ""])
