"""What a run does about a request: the steps of its model in order, and nothing else. Pure.

Nobody is asked anything here: the site's file says which entries, the form says on which CI, and
the gate says whether. What a requester wrote is not looked at.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from personas.runtime.plan import LOOK_AGAIN_SECONDS, Plan, Proposal

STAGE = "fulfil"
BUSY = "duplicate"
"""The guard that denies what must wait because something else changes the CI just now."""
MOST_TRIES = 6
"""So often the same step is asked for while the CI is busy, ever more rarely: over a minute."""


def fulfil(
    asked: Mapping[str, Any],
    *,
    history: Sequence[Mapping[str, Any]],
    run: str,
    ticket_ref: str,
    escalates_to: str,
) -> Plan:
    """Ask for the next step that is left; resolve once all are done, or say why a person must."""
    own = [each for each in history if each["run"] == run and each["verb"] == "playbook.run"]
    plays = {str(play["entry"]): play for play in own}
    tries = Counter(str(play["entry"]) for play in own)
    target = str(asked["ci"])
    for step in asked["steps"]:
        named, entry = f"Step {step['n']} ({step['title']})", str(step["entry"])
        if not entry:
            why = f"{named} names no entry of the catalogue."
            return _handover(ticket_ref, escalates_to, why, plays)
        play = plays.get(entry)
        if play is None or (play["guard"] == BUSY and tries[entry] < MOST_TRIES):
            again = LOOK_AGAIN_SECONDS * 2 ** (tries[entry] - 1) if play else 0.0
            ask = Proposal("play", "playbook.run", entry=entry, target=target)
            return Plan((ask,), STAGE, wait_seconds=again)
        if play["in_doubt"] or _is_open(play):
            return Plan(stage=STAGE, wait_seconds=LOOK_AGAIN_SECONDS)
        if play["outcome"] != "done":
            why = f"{named} was not done by {entry} on {target}: {_why(play)}"
            return _handover(ticket_ref, escalates_to, why, plays)
    done = "; ".join(f"{s['title']} ({s['entry']} on {target})" for s in asked["steps"])
    said = f"Done as the service catalogue says: {done or 'people have done its steps'}."
    solution = {"solution": said[:3900]}
    return Plan((Proposal("resolve", "ticket.resolve", target=ticket_ref, args=solution),))


def _is_open(play: Mapping[str, Any]) -> bool:
    return play["verdict"] in {"authorised", "proposed"} and not play["outcome"]


def _why(play: Mapping[str, Any]) -> str:
    """Return in words why a play was not done, of what gate and executor say of it."""
    if play["verdict"] == "observed":
        return "agents may only observe there."
    said = play["result"].get("said") or play["reason"] or play["outcome"]
    return f"{play['outcome'] or play['verdict']}. {str(said)[:500]}"


def _handover(ticket_ref: str, to: str, why: str, plays: Mapping[str, Mapping[str, Any]]) -> Plan:
    done = [entry for entry, play in plays.items() if play["outcome"] == "done"]
    tried = f"{why} Done so far: {', '.join(done) or 'nothing'}."
    asked = "Do what is left, say of each step that it is done, and resolve the request."
    args = {"team": to, "tried": tried[:4000], "asked": asked}
    return Plan((Proposal("escalate", "ticket.escalate", target=ticket_ref, args=args),))
