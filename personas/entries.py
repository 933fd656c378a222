"""The whole catalogue: what comes with ethops, and what a site has imported."""

from pathlib import Path

from adapters.declared import Fault
from personas import conf
from personas.catalogue import Pinned, read_catalogue


def read() -> tuple[list[Pinned], list[Fault]]:
    """Return every pinned entry, the house's first, and everything wrong with them."""
    house, faults = read_catalogue(conf.playbooks_folder())
    own = conf.site_playbooks_folder()
    if not (own / "catalogue.yaml").exists():
        return house, faults
    imported, wrong = read_catalogue(own)
    return [*house, *imported], [*faults, *wrong, *_confused(house, imported, own)]


def root_of(document: object) -> Path:
    """Return the folder below which an entry's own folder lies."""
    imported = isinstance(document, dict) and document.get("origin")
    return conf.site_playbooks_folder() if imported else conf.playbooks_folder()


def _confused(house: list[Pinned], imported: list[Pinned], own: Path) -> list[Fault]:
    """Return what pretends to be the house's, or hides where it came from."""
    names = {one.name for one in house}
    file = str(own / "catalogue.yaml")
    mend = "Take it away by `manage.py catalog remove`."
    return [
        Fault(file, 1, f"{one.name} {why}.", mend)
        for one in imported
        for why, so in (
            ("is an entry of ethops itself", one.name in names),
            ("does not say where it came from", one.document.origin is None),
        )
        if so
    ]
