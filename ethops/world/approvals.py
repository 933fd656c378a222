"""What a person needs to decide about a proposal, in a fixed number of queries."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from personas.approvals import queries
from personas.approvals.models import Approval, Profile, Taint, Tree
from personas.models import Step


@dataclass(frozen=True, slots=True)
class Dossier:
    """A proposal with what runs, what was read before it, and what the agent says of it."""

    approval: Approval
    tree: Tree | None
    profile: Profile
    read: list[Taint]
    says: str
    why: tuple[str, ...]
    engine: str


def dossier(action_id: UUID) -> Dossier | None:
    """Collect it; None where no person has to decide about this action."""
    found = queries.approval(action_id)
    if found is None:
        return None
    answer = _answer(found)
    why = answer.get("why")
    return Dossier(
        approval=found,
        tree=queries.tree(found.tree_hash),
        profile=queries.profile(),
        read=queries.read_by(found.run_id),
        says=str(answer.get("say", "")),
        why=tuple(map(str, why)) if isinstance(why, list) else (),
        engine=str(answer.get("engine", "")),
    )


def _answer(one: Approval) -> dict[str, Any]:
    step = Step.objects.filter(run=one.run_id, number=one.action.step_number).first()
    return step.answer if step is not None and isinstance(step.answer, dict) else {}
