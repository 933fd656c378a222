"""What people do to the queue, the same for the pages and the API; each act names its person."""

from typing import Final
from uuid import UUID

from gpu import clients, rows

MAY_DISABLE: Final = "gpu.change_client"
"""The permission without which nobody switches a key off."""


def disable_key(*, name: str, person: str) -> bool:
    """Refuse a key from now on; False where there is none that was in use."""
    return clients.disable(name, by=f"person:{person}")


def cancel(*, job_id: UUID, person: str, why: str) -> bool:
    """Take a request out of the queue, or stop it between two tokens; False where it was over."""
    return rows.cancel(job_id, f"cancelled by {person}{f': {why}' if why else ''}")
