"""The NOC sweep: runs the probes that are due and takes in what they raise.

Beat may tick twice or not at all: a probe's due time is claimed in PostgreSQL, so each is run once
per interval.
"""

from adapters import registry
from ethops.desk.intake import deliver_embedded


def sweep() -> None:
    """Run what is due now."""
    registry.sweeper().sweep(deliver_embedded)


def keep_hours() -> None:
    """Keep what probes saw in hours that are over: samples themselves go after a day."""
    registry.sweeper().keep_hours()
