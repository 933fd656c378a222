"""What a person has to approve is done only while his approval stands."""

from ethops.executor.errors import UnapprovedError
from personas.approvals import doors
from personas.gate import Claim


def check(claim: Claim) -> None:
    """Hold a claim against its approval, in the last moment before it is carried out.

    Raises:
        UnapprovedError: it needs an approval that was not given, or that no longer holds.
    """
    if not doors.stands(claim.action_id):
        raise UnapprovedError(f"action {claim.action_id} has no approval that still holds")
