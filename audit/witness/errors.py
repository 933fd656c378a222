"""What can go wrong with a witness, on either side."""

from audit.errors import RecordError


class WitnessError(RecordError):
    """A witness cannot do what it was asked for."""

    code = "witness.error"
    hint = "See the log of the witness."


class StateUnusableError(WitnessError):
    """The witness's own files cannot be used, so it must not sign."""

    code = "witness.state_unusable"
    hint = (
        "A witness that has lost what it signed must not sign under its old key: move state and key"
        " away together, start again, and give out the new vkey."
    )


class AwayError(WitnessError):
    """A witness does not answer, or answers something that no witness would."""

    code = "witness.away"
    hint = "See whether it runs and whether its url and vkey in ledger.yaml are right."


class RefusedError(WitnessError):
    """A witness answered that it does not sign."""

    code = "witness.refuses"
    hint = (
        "Compare the vkey of the log there with the one that it has here. If they are the same,"
        " the witness has seen another history: keep what both say, and find out who changed it."
    )


class AheadError(WitnessError):
    """A witness has signed a longer history than the one that is here."""

    code = "witness.ahead"
    hint = (
        "Entries that a witness has seen are gone from this ledger: it was cut, or restored from an"
        " older backup. Restore the newer one, or declare a new epoch."
    )

    def __init__(self, known: int, here: int) -> None:
        super().__init__(
            f"the ledger is shorter than what was witnessed: {known} entries there, {here} here"
        )
