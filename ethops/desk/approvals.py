"""Tells tickets and people what waits for a decision, and what became of it."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid5

from ethops.desk import notices
from ethops.executor import tickets
from personas import presence
from personas.approvals import doors, queries
from personas.approvals.models import Approval

NAMESPACE = UUID("3d1f7d0a-52b1-4a0c-9d0c-6b8a4d2f9a11")
AUTHOR = "dispatcher"


def tell(ref: str, payload: Mapping[str, Any]) -> None:
    """Write a proposal, or its end, into its ticket; who may decide is told of a proposal."""
    found = queries.approval(UUID(str(payload["action"])))
    if found is None:
        return
    state = str(payload["state"])
    text = sentence(found, state, str(payload.get("said", "")))
    tickets.comment_by_rule(
        key=uuid5(NAMESPACE, f"{found.pk}:{state}"),
        ref=ref,
        rule=AUTHOR,
        text=text,
        tainted=False,
    )
    if state == "waiting":
        _ASK[found.kind](found, text)


def sentence(one: Approval, state: str, said: str) -> str:
    """Say it for the worklog."""
    what = _what(one)
    if state != "waiting":
        return f"{what}: {said}."
    if one.kind == "veto":
        return (
            f"{what} will happen by itself unless somebody objects."
            f" Object on the desk under Approvals; it is proposal {one.pk}."
        )
    factor = "" if one.change_class == "standard" else " with a second factor"
    kept = presence.kept_to_proposals(one.entry, one.target)
    why = f" Whatever its level: {kept}." if kept else ""
    return (
        f"{what} waits for a person to approve it{factor}, as a {one.change_class} change.{why}"
        f" Decide on the desk under Approvals; it is proposal {one.pk}."
    )


def _what(one: Approval) -> str:
    return f"{one.entry or one.action.verb} on {one.target}"


def _ask(one: Approval, text: str) -> None:
    title = f"Approve? {_what(one)} for {one.ticket_ref}"
    notices.tell(
        rule="approval",
        key=str(one.pk),
        ticket_ref=one.ticket_ref,
        title=title,
        text=text,
        by=one.expires_at,
    )


def _announce(one: Approval, text: str) -> None:
    # First which notices will tell, so that none can tell that is not known.
    doors.told_of_veto(action_id=one.pk, notices=notices.keys(str(one.pk)))
    title = f"Object? {_what(one)} for {one.ticket_ref}"
    notices.tell(
        rule="veto",
        key=str(one.pk),
        ticket_ref=one.ticket_ref,
        title=title,
        text=text,
        pierces=True,  # what is not told in time is not objected to
    )


_ASK: Mapping[str, Callable[[Approval, str], None]] = {"propose": _ask, "veto": _announce}
