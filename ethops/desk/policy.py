"""Who gets a ticket next. A table, and one look into it; pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Step: TypeAlias = Literal["triage", "respond", "tell_person", "escalate", "settle", "nothing"]

RESPONDERS = "responders"
CARDS: dict[str, str] = {"triage": "triage", "respond": "incident_responder"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the dispatcher looks at."""

    state: str
    team: str
    assignee: str
    live_run: bool
    last_run: str
    """State of the newest run on the ticket, "" where there was none."""
    last_card: str
    alert_ended: bool
    held: bool = False
    """A greater incident that it belongs to is open."""
    asked: bool = False
    """People were asked something that they have not answered yet."""
    reopened: bool = False
    """It was opened again after its alert had ended: that it ended is no answer to whoever did."""
    responder: str = CARDS["respond"]
    """Who responds to incidents of this CI: the card that looks after its class."""


def card_for(step: Step, responder: str) -> str:
    """Return the card that is given a step."""
    return responder if step == "respond" else CARDS[step]


def next_step(at: Standing) -> Step:
    """Say what happens to a ticket that stands like this."""
    if at.live_run or at.assignee or at.state in {"resolved", "closed", "pending"}:
        return "nothing"
    if at.state == "escalated":
        return "tell_person"
    if at.alert_ended and not at.reopened:
        return "settle"
    if at.held or at.asked:
        return "nothing"
    wanted: Step = "triage" if at.state == "new" else "respond"
    if at.state == "assigned" and at.team != RESPONDERS:
        return "escalate"
    # The card that just ended without moving the ticket on will not do better a second time; and
    # where a person has ended or isolated its run, a person goes on.
    if at.last_run and at.last_card == card_for(wanted, at.responder):
        return "escalate"
    return wanted
