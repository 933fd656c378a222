"""Where the personas' declarations lie, and how long a claimed step stays claimed."""

from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent


def cards_folder() -> Path:
    """Return the folder of the role cards."""
    return Path(getattr(settings, "ETHOPS_CARDS", ROOT / "personas" / "cards"))


def playbooks_folder() -> Path:
    """Return the folder that holds the catalogue and its playbooks."""
    return Path(getattr(settings, "ETHOPS_PLAYBOOKS", ROOT / "playbooks"))


def site_playbooks_folder() -> Path:
    """Return the folder of the entries that this site has imported, outside of the clone."""
    own = getattr(settings, "ETHOPS_SITE_PLAYBOOKS", "")
    return Path(own) if own else Path(settings.ETHOPS_STATE) / "catalogue"


def ledger_file() -> Path | None:
    """Return `ledger.yaml` beside the site file, None where nobody declares witnesses."""
    site = getattr(settings, "ETHOPS_SITE", None)
    path = Path(site).with_name("ledger.yaml") if site else None
    return path if path is not None and path.exists() else None


def inference() -> str:
    """Return who answers questions: `rules`, `models`, or `auto`: models where there is a card."""
    return str(settings.ETHOPS_INFERENCE)


def stop_file() -> Path:
    """Return the file that stops, while it exists, whatever else still works."""
    return Path(settings.ETHOPS_STATE) / "STOP"


def lease_seconds() -> int:
    """Return how long a step may go without a sign of life."""
    return int(settings.ETHOPS_LEASE_SECONDS)
