"""What the ledger says of an effect is what is done, or nothing is.

A signature says what a run asked. What came to it from elsewhere, a playbook's arguments from its
CI or a notice that a rule ordered, nobody signed: that is held against the entry, in which the
gate has committed to it.
"""

import json
from collections.abc import Mapping
from typing import Any

from audit.commitments import commitment
from ethops.executor.errors import UnrecordedError
from personas import gate
from personas.gate import Claim, Recorded


def check(claim: Claim) -> None:
    """Hold a claim against its entry.

    Raises:
        UnrecordedError: the entry is another's, or says something else.
    """
    recorded = gate.recorded(action_id=claim.action_id)
    if recorded is None:
        raise UnrecordedError(f"action {claim.action_id} has no entry of its own")
    entry = json.loads(recorded.body)
    if entry["subject"] != str(claim.action_id):
        raise UnrecordedError(f"entry #{claim.entry_seq} is not of action {claim.action_id}")
    said = entry["body"]
    for name in ("verb", "entry", "target", "tree_hash"):
        if said.get(name, "") != getattr(claim, name):
            raise UnrecordedError(f"action {claim.action_id}: {name} is not what was recorded")
    if _args(said, recorded) != claim.args:
        raise UnrecordedError(f"action {claim.action_id}: args are not what was recorded")


def _args(said: Mapping[str, Any], recorded: Recorded) -> object:
    """Return the arguments that the entry commits to, None where they are not to be had."""
    if recorded.salt is None or recorded.value is None:
        return None
    if said.get("values", {}).get("args") != commitment(recorded.salt, recorded.value):
        return None
    return json.loads(recorded.value)
