"""Verb -> the one thing that does it."""

from typing import Final

from adapters.monitoring.silencing import Silencer
from ethops.executor import targets, ticket_effects
from ethops.executor.commands import RunCommand
from ethops.executor.effects import Effect
from ethops.executor.errors import UnknownVerbError
from ethops.executor.notices import Notify
from ethops.executor.plays import RunPlaybook
from ethops.executor.silences import Mute
from ethops.executor.ticket_effects import TicketWrite

EFFECTS: Final[dict[str, Effect]] = {
    "ticket.comment": TicketWrite(ticket_effects.comment),
    "ticket.assign": TicketWrite(ticket_effects.assign, why="assigned"),
    "ticket.resolve": TicketWrite(ticket_effects.resolve, why="resolved"),
    "ticket.escalate": TicketWrite(ticket_effects.escalate, why="escalated"),
    "ticket.ask": TicketWrite(ticket_effects.ask, why="asked"),
    "playbook.run": RunPlaybook(),
    "command.run": RunCommand(),
    "alerts.silence": Mute(targets.alertmanager_urls, Silencer),
    "notify": Notify(targets.declared, targets.is_party, targets.shape),
}


def effect_of(verb: str) -> Effect:
    """Return what does this verb.

    Raises:
        UnknownVerbError: nothing here does it.
    """
    try:
        return EFFECTS[verb]
    except KeyError as fault:
        raise UnknownVerbError(f"nothing here does {verb!r}") from fault
