"""An event as it is sent: every field by its name."""

import json
from typing import Any, Final

from personas.agentops.models import AgentEvent

STREAM: Final = "mp.agent.events"
MOST_KEPT: Final = 5_000
"""About so many events are kept in the stream; all of them are rows."""
FIELDS: Final = (
    *("event_id", "intent_id", "session_id", "agent_role", "job_id", "tool_calls"),
    *("tokens_in", "tokens_out", "exit_code", "limit_hit", "retry_count", "checkpoint_count"),
    *("duration_ms", "tenant_id"),
)
MORE: Final = ("revision", "state", "tool_call_count", "questions", "looks", "ended_at")


def document(of: AgentEvent) -> dict[str, Any]:
    """Return the event by the names of its fields; a limit that was not hit is null."""
    found = {name: getattr(of, name) for name in (*FIELDS, *MORE)}
    texts = {name: str(found[name]) for name in ("event_id", "intent_id", "session_id")}
    ended = {"ended_at": of.ended_at.isoformat(), "limit_hit": of.limit_hit or None}
    return {**found, **texts, **ended}


def message(of: AgentEvent) -> dict[str, str]:
    """Return it as the stream carries it; whoever knows the id and revision has seen it."""
    return {
        "event_id": str(of.event_id),
        "revision": str(of.revision),
        "event": json.dumps(document(of), sort_keys=True, separators=(",", ":")),
    }
