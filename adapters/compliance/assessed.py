"""What people have judged at a CISO Assistant, as observations. Pure.

Whoever assesses there is a person, and what he says is his word: it is known as attested, and of
his text nothing is repeated.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.compliance.canonical import digest
from adapters.compliance.errors import AssessmentsError
from adapters.compliance.kinds import ASSESSED, KINDS
from adapters.compliance.port import WHOLE, Observation, Outcome
from adapters.compliance.safeguards import IG1
from adapters.text import one_line

TRIED: Final = re.compile(r"v?3\.\d+(\.\d+)?([.+-].*)?|unset")
"""Versions whose answers are known; built from its source it calls itself `unset`."""
NODE: Final = re.compile(
    r"urn:[^:]{1,100}:risk:req_node:cis-controls-v8(?:\.1)?:(\d{1,2}\.\d{1,2})"
)
"""How the CIS Controls are named there, whoever brought them; others number from 1.1 as well."""
RESULTS: Final[Mapping[str, Outcome]] = {
    "compliant": "met",
    "partially_compliant": "met",
    "non_compliant": "unmet",
}
"""What an assessment may come to; not assessed and not applicable say nothing here."""
OLD: Final = timedelta(days=366)
"""Nobody has changed the row for a year: it carries nothing, whatever it says.

When somebody judged is not kept there: `updated_at` is of any change of the row."""
DONE: Final = "done"


def check_version(said: object) -> None:
    """Refuse a CISO Assistant whose answers nobody has looked at.

    Raises:
        AssessmentsError: it is another, or does not say.
    """
    version = said.get("version") if isinstance(said, Mapping) else None
    if not isinstance(version, str) or not TRIED.fullmatch(version):
        raise AssessmentsError(f"It says that its version is {version!r:.60}; version 3 is known.")


def observed(audit: str, rows: Iterable[Any], at: datetime) -> Iterator[Observation]:
    """Yield what the rows of one audit say of safeguards, read at a time.

    Raises:
        AssessmentsError: a row is not of the shape that is known, none is of the CIS Controls, or
            all that were judged are left at a status that says nothing yet.
    """
    of_ours = done = unfinished = 0
    for row in rows:
        try:
            found = NODE.fullmatch(str(row["requirement"]["urn"]))
            if found is None or found[1] not in IG1:
                continue
            of_ours += 1
            one = _observation(audit, found[1], row, at)
            if row["selected"] and str(row["result"]) in RESULTS:
                done += _is_finished(row)
                unfinished += not _is_finished(row)
        except (LookupError, TypeError, ValueError, AttributeError) as fault:
            what = one_line(repr(fault), 100)
            raise AssessmentsError(f"An assessment is not of the shape we know: {what}") from fault
        if one is not None:
            yield one
    if not of_ours:
        raise AssessmentsError(
            "The audit has no requirement of the CIS Controls 8 that may be read."
        )
    if unfinished and not done:
        # An audit keeps a status unless somebody hides it: who sets results alone is not heard.
        raise AssessmentsError(
            f"Of {unfinished} that were judged none has the status {DONE!r}: set it there, or hide"
            " the status in the audit."
        )


def _observation(audit: str, safeguard: str, row: Any, at: datetime) -> Observation | None:
    result, changed_at = str(row["result"]), datetime.fromisoformat(str(row["updated_at"]))
    outcome = RESULTS.get(result)
    left_out = not row["selected"] or at - changed_at > OLD
    if outcome is None or left_out or not _is_finished(row):
        return None
    words = result.replace("_", " ")
    changed = f"in a row last changed on {changed_at.date()}"
    said = f"Somebody called it {words} in an audit at CISO Assistant, {changed}."
    read = [str(row["id"]), result, str(row["updated_at"])]
    return Observation(
        ASSESSED, safeguard, WHOLE, outcome, said, f"ciso-assistant:{audit[:8]}", at,
        at + KINDS[ASSESSED].lasts, digest([*read]),
    )  # fmt: skip


def _is_finished(row: Any) -> bool:
    steps = row["compliance_assessment"]["progress_status_enabled"]
    return not steps or bool(row["status"] == DONE)
