"""Users and folders, as systemd makes them: sysusers.d(5) and tmpfiles.d(5). Pure."""

from pathlib import Path

from ethops.split.families import FAMILIES, FORGE, FORGE_GROUP, SHARED_GROUP, family_of

_MEMBERS = (
    (SHARED_GROUP, ("control",)),
    # The kernel lets only a member keep files of a group in its folder.
    (FORGE_GROUP, ("control", "executor")),
)


def users() -> str:
    """Return the users, each without a login, and the groups by which one meets another."""
    made = [
        f'u {family.user} - "ethops {family.title}" /var/lib/ethops-home/{family.user} -'
        for family in FAMILIES
    ]
    groups = [f"g {group} -" for group, _ in _MEMBERS]
    members = [f"m {family_of(kind).user} {group}" for group, kinds in _MEMBERS for kind in kinds]
    return "\n".join([*made, *groups, *members, ""])


def folders(state: Path) -> str:
    """Return the folders: the state is entered by all and listed by none of them."""
    made = [
        # Sticky: who may lay a stop file there takes away nobody else's.
        f"d {state} 1731 root {SHARED_GROUP} -",
        "d /var/lib/ethops-home 0711 root root -",
        *(f"d /var/lib/ethops-home/{f.user} 0700 {f.user} {f.user} -" for f in FAMILIES),
        *(f"d {state}/{f.folder} 0700 {f.user} {f.user} -" for f in FAMILIES if f.folder),
        # What is made there is of the folder's group, and git lets that read (executor/git.py).
        f"d {state}/{FORGE} 2750 {family_of('executor').user} {FORGE_GROUP} -",
    ]
    return "\n".join([*made, ""])
