"""Headers of ours on an answer: which job it was, how it stood, and what it waited for."""

from typing import Final

from gpu.proxy.quoting import Told
from gpu.rows import JobRow

JOB: Final = "X-Ethops-Job"
POSITION: Final = "X-Queue-Position"
PREDICTED: Final = "X-Predicted-Start"
WAITED: Final = "X-Wait-Seconds"
LOADED: Final = "X-Load-Seconds"
PREEMPTED: Final = "X-Preemptions"
NEVER_AGAIN: Final = ("X-Should-Retry", "false")
"""The queue has tried as often as it makes sense; OpenAI's clients heed it."""


def of_quote(job_id: object, told: Told) -> dict[str, str]:
    """Return what was known when the request was accepted."""
    said = {JOB: str(job_id), POSITION: str(told.position)}
    return said if told.start_s is None else {**said, PREDICTED: f"{told.start_s:.1f}"}


def of_row(row: JobRow) -> dict[str, str]:
    """Return what is known when the job is over."""
    return {
        WAITED: f"{row.wait_s or 0.0:.3f}",
        LOADED: f"{row.load_s:.3f}",
        PREEMPTED: str(row.preemptions),
    }
