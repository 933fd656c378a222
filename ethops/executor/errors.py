"""Why an effect failed or did not happen, or why nobody can tell whether it did."""

from collections.abc import Mapping
from typing import ClassVar

from audit.canonical import JSON


class ExecutorError(Exception):
    """The base of the executor's errors."""

    code: ClassVar[str] = "executor.error"
    hint: ClassVar[str] = "See the action's result on the desk and the executor's log."


class FailedError(ExecutorError):
    """The effect certainly did not happen, or is over and did not succeed: report it so."""

    code = "executor.failed"

    def __init__(self, message: str, *, result: Mapping[str, JSON] | None = None) -> None:
        super().__init__(message)
        self.result = dict(result or {})


class UnknownVerbError(FailedError):
    """No effect is registered for this verb."""

    code = "executor.unknown_verb"
    hint = "The verbs are the keys of ethops/executor/registry.py."


class UnsignedError(FailedError):
    """What is to be done is not what the run signed."""

    code = "executor.unsigned"
    hint = "Somebody wrote to the rows of the gate: look at the ledger and at who may do that."


class UnrecordedError(FailedError):
    """What is to be done is not what its entry of the ledger says."""

    code = "executor.unrecorded"
    hint = UnsignedError.hint


class UnapprovedError(FailedError):
    """A person had to approve it, and has not, or not as it is now."""

    code = "executor.unapproved"
    hint = "Playbook, arguments, CI, host or ticket changed since: the agent proposes it again."


class ArgumentRefusedError(FailedError):
    """An argument is not one that the catalogue declares, or does not match its pattern."""

    code = "executor.argument_refused"
    hint = "Correct the attribute on the CI; the pattern stands in playbooks/catalogue.yaml."


class TreeChangedError(FailedError):
    """The playbook's files are not those that were approved."""

    code = "executor.tree_changed"
    hint = "Read the change, then `manage.py personas approve ENTRY` and `manage.py site load`."


class JudgedAgainError(FailedError):
    """What was permitted would not be permitted now: a card, a scope or a rule has changed."""

    code = "executor.judged_again"
    hint = "See the rule that is named, in docs/reference/guardrails.md or the site's own."


class CalledOffError(FailedError):
    """Its run was called off before it began: a person has the ticket, or ended the run."""

    code = "executor.called_off"
    hint = "Nothing of it was done. Assign the ticket back, and a new run looks again."


class ToolRefusedError(FailedError):
    """A command's program is not declared, not there, or not safe to start."""

    code = "executor.tool_refused"
    hint = (
        "Declare the program under `tools` in the site file; others must not be able to write it."
    )


class CommandFailedError(FailedError):
    """The command ran to its end and said that it did not succeed."""

    code = "executor.command_failed"
    hint = "See what it said, in the action's result; exit codes are the program's own."


class HostMissingError(FailedError):
    """The CI runs on no host that a playbook could reach."""

    code = "executor.no_host"
    hint = "Declare a host for the CI in the site file, then `manage.py site load`."


class UnseenError(FailedError):
    """Nobody could see who is on the host, and people would have to be asked first."""

    code = "executor.unseen"
    hint = "See that the host answers, and that look_who_is_there is approved as it lies here."


class TargetRefusedError(FailedError):
    """A notice was to go to somebody whom the site does not name."""

    code = "executor.target_refused"
    hint = "Notices go to the target in the setting ETHOPS_NOTIFY or the site file only."


class UndeliveredError(FailedError):
    """The notice was refused, or nobody answered at its target."""

    code = "executor.undelivered"
    hint = "See that the target answers, then look at the ticket: nobody was told."


class SilenceFailedError(FailedError):
    """An Alertmanager refused a silence."""

    code = "executor.silence_refused"
    hint = "See what it said; the window holds the alerts back here all the same."


class PullRefusedError(FailedError):
    """What a pull request is to change may not be changed, or the forge refuses it."""

    code = "executor.pull_refused"
    hint = "See the message; what may be changed stands in docs/reference/forge.md."


class TicketRefusedError(FailedError):
    """The ticket system refused the write."""

    code = "executor.ticket_refused"
    hint = "See the message; the ticket stands as it stood before."


class StoppedError(FailedError):
    """A person has pressed the stop."""

    code = "executor.stopped"
    hint = "`manage.py resume --by NAME` lets effects happen again."


class PlayFailedError(FailedError):
    """The play ran to its end and did not do what it was meant to do."""

    code = "executor.play_failed"
    hint = "See the task that failed; the play's folder below the state folder holds all events."


class CutShortError(FailedError):
    """A play was ended by us before it was through; what it had begun may be half done."""

    code = "executor.cut_short"
    hint = "Look at the CI; the play's output is kept in its folder below the state folder."


class UnsureError(ExecutorError):
    """Nobody can tell yet whether the effect happened, but it is over: the probe will tell soon."""

    code = "executor.unsure"


class NotNowError(UnsureError):
    """It did not happen, for a reason that passes: it is tried again a little later."""

    code = "executor.not_now"
    hint = "See that the target answers; it is tried again by itself."


class LeaseLostError(UnsureError):
    """Somebody else decides about this effect by now, so it was not begun."""

    code = "executor.lease_lost"


class PeopleFirstError(UnsureError):
    """People or jobs are on the host: the gate has taken the permit back, and has them asked."""

    code = "executor.people_first"
