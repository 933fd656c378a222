"""The three kinds of memory."""

from typing import Final

KINDS: Final = ("episodic", "semantic", "procedural")
"""What happened in a run; which signs go with a failure; which entries, in which order, worked."""
