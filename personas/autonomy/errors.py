"""What this room refuses."""

from personas.errors import PersonaError


class RefusedError(PersonaError):
    """A level, a verdict or an act on the breaker that the gate did not take; the text says why."""

    code = "autonomy.refused"
    hint = "Name yourself and a reason; against the figures a level is set only in so many words."
