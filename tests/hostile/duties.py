"""Separation of duties as a matrix: who x which class of change x which move, and what must come
of it. The oracle is written from the issue's words: author, approver and implementer differ; what
is not standard needs a human with a second factor; what was decided or has changed is not approved.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever comes to decide; `name` is made for each case."""

    kind: str
    human: bool = True
    of_desk: bool = True
    permitted: bool = True
    independent: bool = True
    factor: bool = True


PEOPLE: Final = (
    Person("independent, with a second factor"),
    Person("independent, without a second factor", factor=False),
    Person("a superuser with a second factor"),
    Person("who opened the ticket", independent=False),
    Person("who gave it to the agents", independent=False),
    Person("who wrote the playbook", independent=False),
    Person("who wrote the card", independent=False),
    Person("who ordered the run", independent=False),
    Person("without the permission", permitted=False),
    Person("with a login that was closed", of_desk=False),
    Person("from outside the desk", of_desk=False),
    Person("unknown", human=False, of_desk=False, permitted=False),
    Person("nobody", human=False, of_desk=False, permitted=False),
    Person("the card that asked", human=False, of_desk=False, permitted=False),
    Person("the card that asked, with a login", human=False, of_desk=False),
    Person("the run", human=False, of_desk=False, permitted=False),
    Person("the executor", human=False, of_desk=False, permitted=False),
)

CLASSES: Final = {"standard": "low", "normal": "medium", "emergency": "high"}
"""Class of a change -> risk of the entry that makes it one; an emergency is of a P1, too."""

CODES: Final = ("right", "none", "wrong", "another's", "used")
MOVES: Final = (
    *(f"approve, code {code}" for code in CODES),
    "reject",
    "approve what was not shown",
    "approve what was approved",
    "approve what was rejected",
    "approve what has expired",
    "approve while stopped",
    "approve another playbook than was proposed",
    "approve for a run that is over",
    "reject what was approved",
)


def must(person: Person, change: str, move: str) -> bool:
    """Tell whether the move must be done, and not refused."""
    if move == "reject":
        # Refusing needs no independence: nobody of the desk is kept from it.
        return person.human and person.of_desk
    if not move.startswith("approve, code"):
        return False
    if not (person.human and person.of_desk and person.permitted and person.independent):
        return False
    code = move.removeprefix("approve, code ")
    if code == "none":
        return change == "standard"
    return code == "right" and person.factor
