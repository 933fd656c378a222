"""What can go wrong with a request for a run, as one tree."""

from personas.errors import PersonaError


class AgentOpsError(PersonaError):
    """Something about a request for a run; `code` is stable, `hint` is the mend."""

    code = "agentops.error"
    hint = "Look at the request."


class UnknownRoleError(AgentOpsError):
    """No card of this name is enabled."""

    code = "agentops.unknown_role"
    hint = "GET /api/v1/cards lists them."


class BusyTicketError(AgentOpsError):
    """An agent is at work on the ticket, or a person has it, or it is settled."""

    code = "agentops.busy"
    hint = "Wait for its run to end, or cancel that."


class IsolatedRoleError(AgentOpsError):
    """A person lets this card have no new runs."""

    code = "agentops.isolated"
    hint = "`manage.py personas run release-card CARD --why TEXT` lets it have runs again."


class UnapprovedRoleError(AgentOpsError):
    """Nobody has approved the card as it is loaded: it has no new runs."""

    code = "agentops.unapproved"
    hint = "Read what has changed on the card's page of the desk, and approve it there."


class UnknownScopeError(AgentOpsError):
    """The card has no scope of commands of this name."""

    code = "agentops.unknown_scope"
    hint = "docs/reference/cards/ lists the scopes of each card."


class CommandRefusedError(AgentOpsError):
    """The gate would deny this command whatever else is so: it is not asked for at all."""

    code = "agentops.command_refused"
    hint = "See the scope's patterns in docs/reference/cards/, and the CI in the CMDB."


class UnknownFlagError(AgentOpsError):
    """No rule about this card knows what was said with the request."""

    code = "agentops.unknown_flag"
    hint = "See the rules in docs/reference/guardrails.md, and the site's own."


class UnknownEnvironmentError(AgentOpsError):
    """No environment of this name is declared, nor made by a person."""

    code = "agentops.unknown_environment"
    hint = "`manage.py personas run queue` lists them; the site file declares more."


class OtherEnvironmentError(AgentOpsError):
    """What the run would be about belongs to another environment."""

    code = "agentops.other_environment"
    hint = "Leave `environment` out: the run is at work where its CIs are."


class KeyReusedError(AgentOpsError):
    """An idempotency key was used for another request."""

    code = "agentops.key_reused"
    hint = "Take a new key for another request."


class RunOverError(AgentOpsError):
    """There is nothing left to cancel."""

    code = "agentops.over"
    hint = "Its status says how it ended."


class QueueFullError(AgentOpsError):
    """Too many runs wait; `wait` is after how many seconds to come again."""

    code = "agentops.full"
    hint = "Send it again after Retry-After seconds."

    def __init__(self, text: str, *, wait: int) -> None:
        super().__init__(text)
        self.wait = wait
