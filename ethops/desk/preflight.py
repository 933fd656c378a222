"""A look at an iTop as it is before it is relied upon: its model, and what its REST shows."""

from contextlib import closing
from pathlib import Path

from adapters.tickets.itop import datamodel, demands, findings, preflight
from adapters.tickets.itop.findings import SEVERITIES, Finding
from adapters.tickets.itop.preflight import Look
from adapters.tickets.itop.session import session
from ethops.desk import provisioning


def look(*, model: Path | None, token_file: Path | None, user: str = "") -> tuple[Finding, ...]:
    """Return what will not work, the worst first; nothing is written to iTop.

    `token_file` is of somebody who sees everything; with a `user`, that user's password.

    Raises:
        TicketError: a setting is missing, a file is none, or iTop is away.
    """
    said = provisioning.options()
    read = datamodel.read(model) if model else None
    declared = demands.named()
    found: list[Finding] = []
    with closing(provisioning.client(said, token_file, user)) as other:
        above = other if token_file else None
        found += preflight.of_site(Look(session(), above, declared))
    if read is not None:
        found += findings.of_model(read, declared)
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))
