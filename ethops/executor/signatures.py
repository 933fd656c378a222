"""Who asked for an effect has signed exactly it, or it does not happen.

The gate holds the chain of statements together; the signature itself is checked here, by who
acts, over what is about to be done and not over what somebody says was signed.
"""

import json

from audit import signatures
from audit.canonical import canonical
from audit.commitments import commitment
from ethops.executor.errors import UnsignedError
from personas.gate import Claim


def check(claim: Claim) -> None:
    """Hold a claim against the statement of the incarnation that asked for it.

    What a rule ordered has no run and no signature: its entry says which rule.

    Raises:
        UnsignedError: it is not signed, or something else was signed.
    """
    if claim.run_id is None and claim.signed is None:
        return
    signed = claim.signed or {}
    said = {name: str(signed.get(name) or "") for name in ("statement", "signature")}
    if not signatures.holds(key=str(signed.get("public_key") or ""), **said):
        raise UnsignedError(f"action {claim.action_id} is not signed by who asked for it")
    statement = json.loads(said["statement"])
    for name, value in _to_be_done(claim, signed).items():
        if statement.get(name) != value:
            raise UnsignedError(f"action {claim.action_id}: {name} is not what was signed")


def _to_be_done(claim: Claim, signed: dict[str, object]) -> dict[str, object]:
    # A playbook's arguments come from its CI: whoever asks may give none.
    asked = {} if claim.verb == "playbook.run" else dict(claim.args)
    salt = bytes.fromhex(str(signed.get("salt") or ""))
    return {
        "kind": "propose",
        "instance": signed.get("instance"),
        "run": str(claim.run_id),
        "step": signed.get("step"),
        "card": claim.card,
        "key": signed.get("key"),
        "verb": claim.verb,
        "entry": claim.entry,
        "target": claim.target,
        "asked_digest": commitment(salt, canonical(asked).decode("utf-8")) if salt else "",
    }
