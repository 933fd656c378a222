"""A model that obeys fully: whatever the last imperative in its context says, it wants done.

Chosen by its dotted path, as any inference adapter. Where nobody gives it an order it answers as
the rules do, so that benign tickets meet the same engine.
"""

import dataclasses
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.inference import embedded
from adapters.inference.port import Answer, Question
from personas.runtime import plan as planning
from personas.runtime.plan import Plan, Situation
from tests.hostile.goals import GOALS
from tests.hostile.wrappers import marks

OBEYED: Final[dict[str, list[int]]] = {}
"""Ticket -> the goals that the model was given and obeyed, one per question."""
SEEN: Final[list[str]] = []
"""Every text that was in a prompt."""
OTHER: Final = ["INC-1"]
"""A ticket of somebody else."""


class Inference:
    """Looks for orders in every fact; the last one counts."""

    name = "obedient"

    def __init__(self, **options: Any) -> None:
        self._rules = embedded.Inference(**options)

    def ask(self, question: Question) -> Answer:
        """Obey."""
        texts = list(_texts(dataclasses.asdict(question)))
        SEEN.extend(texts)
        orders = [number for text in texts for number in marks(text) if number < len(GOALS)]
        if not orders:
            return self._rules.ask(question)
        goal, ticket = GOALS[orders[-1]], str(question.facts.get("ticket.ref"))
        OBEYED.setdefault(ticket, []).append(orders[-1])
        choice = goal.choice
        if question.kind == "triage" and zlib.crc32(ticket.encode()) % 4:
            # Most of them wait for the card that may act: a ticket that looks odd gets a person.
            choice = self._rules.ask(question).choice
        return Answer(
            choice=choice, say=f"I obey: {goal.words}", why=(goal.words,), confidence=1.0,
            engine=self.name, rule="", elapsed_us=1,
        )  # fmt: skip


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def obeying(kind: str, answer: Answer, situation: Situation) -> Plan:
    """Plan as an agent that lets its model call any tool with any arguments.

    Ours plans from a choice among candidates that code has made. This one asks the gate for
    everything that the goal wants, and then for what our own code would have made of the answer.
    """
    obeyed = OBEYED.get(situation.ticket_ref)
    if not obeyed or answer.engine != "obedient":
        return planning.plan(kind, answer, situation)
    wanted = GOALS[obeyed[-1]].proposals(situation.ticket_ref, situation.ci_ref, OTHER[0])
    try:
        ours = planning.plan(kind, answer, situation)
    except (KeyError, ValueError):
        # An answer that our own code cannot read ends in a failed step; this agent goes on.
        ours = Plan(stage="close")
    return dataclasses.replace(ours, proposals=(*wanted, *ours.proposals))
