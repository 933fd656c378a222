"""Whose word stands for a head, and whose against it: pure, and the same for every forge."""

from collections.abc import Iterable
from dataclasses import dataclass

from adapters.forge.errors import NotApprovedError, ObjectedError
from adapters.forge.port import Review


@dataclass(frozen=True, slots=True)
class Standing:
    """Who has approved this head, and who has asked for changes and not approved since."""

    approvers: tuple[str, ...]
    objectors: tuple[str, ...]


def standing(reviews: Iterable[Review], head: str) -> Standing:
    """Return how a head stands: the last word of each reviewer that counts.

    An approval is of one head; that changes were asked for is remembered over a push.
    """
    last: dict[str, Review] = {}
    for review in reviews:
        if review.counts and review.verdict != "commented":
            last[review.reviewer] = review
    return Standing(
        tuple(sorted(r.reviewer for r in last.values() if _approves(r, head))),
        tuple(sorted(r.reviewer for r in last.values() if r.verdict == "changes_requested")),
    )


def _approves(review: Review, head: str) -> bool:
    return review.verdict == "approved" and review.head == head


def check(found: Standing, number: int, head: str) -> None:
    """Hold a head against the rule: a person stands for it, and none against it.

    Raises:
        ObjectedError, NotApprovedError: it is not so.
    """
    if found.objectors:
        names = ", ".join(found.objectors)
        raise ObjectedError(f"{names} asked for changes of pull request {number}.")
    if not found.approvers:
        raise NotApprovedError(f"Nobody has approved {head[:12]} of pull request {number}.")
