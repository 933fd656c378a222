"""Proposals in rows: what is kept of them, what was seen written, what is a CI by now withdrawn."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from adapters.cmdb import models
from adapters.cmdb.precedence import ATTRIBUTE
from adapters.cmdb.proposals import GONE_AFTER, Proposal, Seen, Thing
from adapters.rows import now, select


def waiting() -> QuerySet[models.Proposal]:
    """Return what waits for a person, the newest first."""
    return of_state("proposed")


def of_state(state: str) -> QuerySet[models.Proposal]:
    """Return the proposals of one state, those that became so last at first."""
    order = "-proposed_at" if state == "proposed" else "-decided_at"
    return models.Proposal.objects.filter(state=state).order_by(order, "id")


def kept() -> dict[str, Proposal]:
    """Return every proposal there is, by its key."""
    return {row.key: proposal(row) for row in models.Proposal.objects.all()}


def proposal(row: models.Proposal) -> Proposal:
    """Return a row as the policy's value."""
    attributes = {
        name.removeprefix(ATTRIBUTE): value
        for name, value in row.said.items()
        if name.startswith(ATTRIBUTE)
    }
    # The choices of the fields are these words.
    kind: Any = row.kind
    state: Any = row.state
    thing = Thing(kind, row.name, row.said.get("ci_class", ""), row.about, attributes)
    return Proposal(thing, row.ref, state, row.source, row.said, seen(row))


def seen(row: models.Proposal) -> tuple[Seen, ...]:
    """Return what each source has seen of it."""
    return tuple(
        Seen(
            one["source"],
            datetime.fromisoformat(one["first"]),
            datetime.fromisoformat(one["last"]),
            one["times"],
            one["said"],
        )
        for one in row.seen
    )


def propose(proposals: Iterable[Proposal]) -> int:
    """Keep proposals as they were folded; returns how many were kept."""
    said = json.dumps([_row(one) for one in proposals])
    (done,) = select("SELECT cmdb.keep_proposals(%s::jsonb) AS kept", [said])
    return int(done["kept"])


def withdraw(keys: Iterable[str]) -> int:
    """Withdraw these, which the CMDB says by now, and what was not seen for long."""
    (done,) = select(
        "SELECT cmdb.withdraw_proposals(%s, %s) AS gone", [list(keys), now() - GONE_AFTER]
    )
    return int(done["gone"])


def digest(proposal_id: int) -> str:
    """Return in one word what a person is shown of a proposal."""
    (found,) = select("SELECT cmdb.proposal_digest(%s) AS digest", [proposal_id])
    return str(found["digest"] or "")


def _row(one: Proposal) -> Mapping[str, Any]:
    return {
        "key": one.thing.key,
        "kind": one.thing.kind,
        "name": one.thing.name,
        "about": one.thing.about,
        "ref": one.ref,
        "said": dict(one.words),
        "source": one.source,
        "seen": [
            {
                "source": seen.source,
                "first": seen.first.isoformat(),
                "last": seen.last.isoformat(),
                "times": seen.times,
                "said": seen.said,
            }
            for seen in one.seen
        ],
        "times": sum(seen.times for seen in one.seen),
        "first_seen_at": min(seen.first for seen in one.seen).isoformat(),
        "last_seen_at": max(seen.last for seen in one.seen).isoformat(),
    }
