"""The adapters' settings, typed, each with its default and its reason."""

from pathlib import Path
from typing import Any

from django.conf import settings

EMBEDDED = (
    *("tickets", "cmdb", "monitoring", "telemetry", "inference", "forge", "graph"),
    "knowledge",
    "compliance",
)
"""Contracts that have an embedded adapter, which is used where the settings say nothing."""


def modules() -> dict[str, str]:
    """Return contract -> dotted path of the module that is its adapter."""
    chosen = {contract: f"adapters.{contract}.embedded" for contract in EMBEDDED}
    for contract, options in getattr(settings, "ADAPTERS", {}).items():
        chosen[contract] = str(options["adapter"])
    return chosen


def options(contract: str) -> dict[str, Any]:
    """Return what the settings say to a contract's adapter beside its name."""
    said = getattr(settings, "ADAPTERS", {}).get(contract, {})
    return {name: value for name, value in said.items() if name != "adapter"}


def site_path() -> Path | None:
    """Return the site file (ETHOPS_SITE), None where this installation declares no site.

    The state folder's own `site.yaml` may be absent; a file that was named may not, since an
    empty site would retire everything that was declared before.
    """
    named = getattr(settings, "ETHOPS_SITE", None)
    if not named:
        return None
    path = Path(named)
    state = getattr(settings, "ETHOPS_STATE", None)
    is_default = state is not None and path == Path(state) / "site.yaml"
    return None if is_default and not path.exists() else path


def largest_attachment_bytes() -> int:
    """Return how large a file kept with a ticket may be; the database holds it whole."""
    return int(getattr(settings, "ETHOPS_ATTACHMENT_MIB", 10)) * 1024 * 1024
