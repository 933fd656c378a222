"""Where rules lie: those that are shipped, and a site's own beside its file."""

from pathlib import Path
from typing import Final

from django.conf import settings

SHIPPED: Final = Path(__file__).resolve().parent / "rules"


def folders() -> tuple[Path, ...]:
    """Return the folders of rules; a site can add to what is shipped, never take away."""
    shipped = Path(getattr(settings, "ETHOPS_GUARDRAILS", SHIPPED))
    site = getattr(settings, "ETHOPS_SITE", None)
    own = Path(site).with_name("guardrails") if site else None
    return (shipped, own) if own is not None and own.is_dir() else (shipped,)
