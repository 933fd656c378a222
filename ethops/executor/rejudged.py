"""What was permitted is judged once more by what holds now, right before it is done."""

from ethops.executor.errors import JudgedAgainError
from personas.gate import Claim
from personas.guardrails import doors


def check(claim: Claim) -> None:
    """Hold an effect against card, scope and rules as they are at this moment.

    Raises:
        JudgedAgainError: one of them speaks against it by now.
    """
    why = doors.judge_in_hand(claim.action_id)
    if why:
        raise JudgedAgainError(why)
