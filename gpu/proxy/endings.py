"""What a job that was not finished means to its client: a status and a sentence. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gpu.rows import JobRow


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended badly; an empty sentence stands for the job's own words."""

    status: int
    sentence: str = ""


ENDINGS: Final[Mapping[str, Ending]] = {
    "gpu.cancelled": Ending(499, "request canceled"),
    "gpu.over_deadline": Ending(504, "the request was over its deadline"),
    "gpu.worker_died": Ending(502, "the worker died at it, each time it was tried"),
    "gpu.worker": Ending(502, "the worker failed at it, each time it was tried"),
    "gpu.slot_fault": Ending(503),
    "gpu.unknown_slot": Ending(503),
    "inference.unreachable": Ending(502, "the model server cannot be reached"),
    "inference.over_deadline": Ending(504, "the model server did not answer in time"),
    "inference.cut_stream": Ending(502, "the model server cut its answer off"),
    "inference.malformed_stream": Ending(502, "the model server sent what is no answer"),
    "inference.malformed_answer": Ending(502, "the model's answer is malformed"),
    "inference.unknown_model": Ending(503, "the model server does not have the slot's model"),
    "inference.busy": Ending(503, "the model server takes no more requests"),
    "inference.refused_option": Ending(400),
    "inference.oversize": Ending(400),
    "inference.server_said": Ending(502),
    "proxy.diverged": Ending(
        502, "the answer began anew after its first words had left: ask again"
    ),
}
"""By the code of the job's error; any other code is a 502 with the job's own words."""

_ASKED_WRONG: Final = re.compile(r"does not support|context length|invalid|illegal", re.IGNORECASE)
"""The server's words about a request that it will never serve."""


def of_code(code: str) -> tuple[int, str, str]:
    """Return status, message and code for a fault of our own."""
    return ENDINGS[code].status, ENDINGS[code].sentence, code


def ending(row: JobRow) -> tuple[int, str, str]:
    """Return status, message and code for a job that was not finished."""
    code = row.error_code or "gpu.failed"
    said = ENDINGS.get(code, Ending(502))
    status = said.status
    if code == "inference.server_said" and row.state == "failed" and _ASKED_WRONG.search(row.error):
        status = 400
    return status, said.sentence or row.error or "the job failed", code
