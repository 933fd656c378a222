"""Jobs whose web process died: nobody is left to hear them, and nobody was left to cancel them."""

import logging
from typing import Final

from gpu import living, rows
from gpu.models import Job

log = logging.getLogger(__name__)

MARK: Final = "via"
"""The key of a job's request under which it says which process waits for its answer."""


def cancel_orphans() -> int:
    """Take jobs of dead web processes of this host out of the queue; how many."""
    open_jobs = Job.objects.filter(finished_at=None, request__has_key=MARK)
    marked = open_jobs.values_list("pk", f"request__{MARK}")
    found = [job_id for job_id, process in marked if living.is_dead(str(process))]
    cancelled = [rows.cancel(job_id, "its web process died") for job_id in found]
    if found:
        log.warning("%s requests of a web process that died were cancelled", sum(cancelled))
    return sum(cancelled)
