"""What can go wrong between us and a forge."""

from adapters.errors import AdapterError


class ForgeError(AdapterError):
    """The base of the forge contract's errors."""

    code = "forge.error"


class PullNotFoundError(ForgeError):
    """There is no pull request of this number, or no such file in it."""

    code = "forge.not_found"
    hint = "Numbers are given by the forge when a pull request is opened."


class ChangeRefusedError(ForgeError):
    """What is to be changed is nothing that a pull request of ours may change."""

    code = "forge.change_refused"
    hint = "Plain files of text, with plain names, below the limits in docs/reference/forge.md."


class NothingChangedError(ChangeRefusedError):
    """The files already are as they are to become."""

    code = "forge.nothing_changed"
    hint = "There is nothing to propose."


class HeadMovedError(ForgeError):
    """The pull request no longer has the head that was looked at."""

    code = "forge.head_moved"
    hint = "Read it again: what was approved is not what is there now."


class NotOpenError(ForgeError):
    """It is merged or closed, or being merged."""

    code = "forge.not_open"
    hint = "Open another one."


class OwnPullError(ForgeError):
    """Who is behind a pull request neither approves nor merges it."""

    code = "forge.own_pull"
    hint = "Somebody else has to."


class NotAPersonError(ForgeError):
    """Only a person who may approve reviews."""

    code = "forge.not_a_person"
    hint = "An active login of the desk with the permission to approve pull requests."


class NotApprovedError(ForgeError):
    """Nobody who may has approved the head that is to be merged."""

    code = "forge.not_approved"
    hint = "A push voids what was approved before it: have the head approved that is there now."


class ObjectedError(ForgeError):
    """Somebody who may has asked for changes, and has not approved since."""

    code = "forge.objected"
    hint = "Who asked for changes approves what came of it, or withdraws it at the forge."


class ConflictError(ForgeError):
    """What it changes was changed on the base too."""

    code = "forge.conflict"
    hint = "Propose it again, from what the base is now."


class NotHereError(ForgeError):
    """This forge has people do that on its own pages."""

    code = "forge.not_here"
    hint = "See the capabilities of the adapter."


class ForgeUnavailableError(ForgeError):
    """The forge did not answer, not in time, or not as it should: nobody knows what it did."""

    code = "forge.unavailable"
    hint = "Look at the forge; what was asked of it may have happened."


class SaysTooMuchError(ForgeUnavailableError):
    """Git has more to say than anybody here reads: asking again says as much."""

    code = "forge.too_much"
    hint = "What is larger is read in the repository itself."


class ForgeRefusedError(ForgeError):
    """The forge refused: it did not happen."""

    code = "forge.refused"
    hint = "The message is the forge's own; see the rights of the token."


class NoTokenError(ForgeRefusedError):
    """The file with the forge's token cannot be read, or holds none: nothing was asked."""

    code = "forge.no_token"
    hint = "ETHOPS_FORGE_TOKEN_FILE names it; the users of web, control and executor read it."
