"""Reads about approvals, for the rooms above."""

import hashlib
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from personas.approvals.models import Approval, Factor, Profile, RunPlan, Taint, Tree


def approvals() -> QuerySet[Approval]:
    """Return approvals with their actions and runs, newest first."""
    return Approval.objects.select_related("action", "run").order_by("-proposed_at")


def approval(action_id: UUID) -> Approval | None:
    """Return one, None where the action needs none."""
    return approvals().filter(pk=action_id).first()


def waiting() -> QuerySet[Approval]:
    """Return what people may decide about now, the first to expire first."""
    return approvals().filter(state="waiting", expires_at__gt=timezone.now()).order_by("expires_at")


def of_ticket(ref: str) -> list[Approval]:
    """Return the approvals of a ticket, oldest first."""
    return list(approvals().filter(ticket_ref=ref).order_by("proposed_at"))


def tree(tree_hash: str) -> Tree | None:
    """Return the files behind a hash, as they were kept when they were loaded."""
    return Tree.objects.filter(tree_hash=tree_hash).first() if tree_hash else None


def profile() -> Profile:
    """Return how this house approves."""
    return Profile.objects.get()


def has_factor(person: str) -> bool:
    """Tell whether a person has a confirmed second factor."""
    return Factor.objects.filter(person=person, confirmed_at__isnull=False).only("person").exists()


def is_intact(one: Approval) -> bool:
    """Tell whether what was shown still has the hash that the ledger knows."""
    pairs = [(one.shown, one.shown_sha256)]
    if one.confirmed_sha256:
        pairs.append((one.confirmed, one.confirmed_sha256))
    return all(hashlib.sha256(text.encode()).hexdigest() == digest for text, digest in pairs)


def read_by(run_id: UUID) -> list[Taint]:
    """Return what a run has read from others, first first."""
    return list(Taint.objects.filter(run_id=run_id).order_by("at"))


def plan_of(run_id: UUID) -> RunPlan | None:
    """Return what was fixed for a run before it read anything."""
    return RunPlan.objects.filter(run_id=run_id).first()
