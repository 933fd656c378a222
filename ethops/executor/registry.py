"""Verb -> the one thing that does it."""

from typing import Final

from adapters.forge import conf as forge_conf
from adapters.forge.port import Pull
from adapters.forge.port import Writer as ForgeWriter
from adapters.monitoring.silencing import Silencer
from adapters.registry import forge_reader, forge_writer
from ethops.executor import pulls, targets, ticket_effects
from ethops.executor.commands import RunCommand
from ethops.executor.effects import Effect
from ethops.executor.errors import UnknownVerbError
from ethops.executor.git import BareGit
from ethops.executor.notices import Notify
from ethops.executor.plays import RunPlaybook
from ethops.executor.pull_ends import TellTicket
from ethops.executor.pulls import MergePull, OpenPull
from ethops.executor.silences import Mute
from ethops.executor.ticket_effects import TicketWrite
from ethops.pulls import doors


def _forge() -> ForgeWriter:
    """Return the forge's writer, with git on the embedded one's repository."""
    return forge_writer(BareGit(forge_conf.place().folder))


def _diff(pull: Pull) -> str:
    """Return what a pull request changes, where people review it here."""
    if "review" not in forge_reader().capabilities:
        return ""
    return pulls.changed(BareGit(forge_conf.place().folder), pull)


EFFECTS: Final[dict[str, Effect]] = {
    "ticket.comment": TicketWrite(ticket_effects.comment),
    "ticket.assign": TicketWrite(ticket_effects.assign, why="assigned"),
    "ticket.resolve": TicketWrite(ticket_effects.resolve, why="resolved"),
    "ticket.escalate": TicketWrite(ticket_effects.escalate, why="escalated"),
    "ticket.ask": TicketWrite(ticket_effects.ask, why="asked"),
    "pull.open": OpenPull(forge_reader, _forge, _diff),
    "pull.merge": MergePull(forge_reader, _forge),
    "pull.tell": TellTicket(doors.waiting),
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
