"""What keeps a house from being split."""

from ethops.stack.errors import StackError


class NotSplittableError(StackError):
    """The house cannot be split as it stands."""

    code = "split.refused"
