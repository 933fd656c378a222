"""What a person needs to decide about a proposal, in a fixed number of queries."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from personas.approvals import doors, queries
from personas.approvals.doors import ShownNow
from personas.approvals.models import Approval, Profile, Taint, Tree
from personas.models import Step


@dataclass(frozen=True, slots=True)
class Dossier:
    """A proposal with what runs, what was read before it, and what the agent says of it."""

    approval: Approval
    now: ShownNow
    """As it is at this moment, or as it was shown to who approved it."""
    facts: dict[str, Any]
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
    now = _shown(found)
    answer = _answer(found)
    why = answer.get("why")
    return Dossier(
        approval=found,
        now=now,
        facts=json.loads(now.shown),
        tree=queries.tree(found.tree_hash),
        profile=queries.profile(),
        read=queries.read_by(found.run_id),
        says=str(answer.get("say", "")),
        why=tuple(map(str, why)) if isinstance(why, list) else (),
        engine=str(answer.get("engine", "")),
    )


def _shown(one: Approval) -> ShownNow:
    """Return what is to be read of it: of what is decided, what was so then."""
    now = doors.shown_now(one.pk) if one.state == "waiting" else None
    if now is not None:
        return now
    if one.confirmed:
        return ShownNow(one.confirmed, one.confirmed_sha256, (), "")
    return ShownNow(one.shown, one.shown_sha256, (), "")


def _answer(one: Approval) -> dict[str, Any]:
    step = Step.objects.filter(run=one.run_id, number=one.action.step_number).first()
    return step.answer if step is not None and isinstance(step.answer, dict) else {}
