"""What can go wrong in the record."""

from audit.verify import Report


class RecordError(Exception):
    """Something in the record refused or failed; `code` is stable, `hint` says how to mend it."""

    code = "record.error"
    hint = "See the log of the recorder."


class NotCanonicalError(RecordError):
    """A value has no place in the canonical form."""

    code = "record.not_canonical"
    hint = "Use strings, booleans, null, whole numbers within 2^53, lists, and string keys."


class NoteError(RecordError):
    """A signed note, a key or a tree head is not what it should be, or its signature is bad."""

    code = "ledger.bad_note"
    hint = "Compare the note and the keys with their sources; do not trust what it says."


class NoProofError(RecordError):
    """The tree cannot prove what was asked."""

    code = "ledger.no_proof"
    hint = "Ask for what the ledger has an entry of, and a signed tree head covers already."


class SigningRefusedError(RecordError):
    """The checkpointer does not sign; `state` is the short name of the reason."""

    code = "ledger.signing_refused"
    hint = "Nothing is signed until this is mended; see docs/reference/ledger.md."

    def __init__(self, state: str, says: str) -> None:
        super().__init__(says)
        self.state = state


class UnkeptError(RecordError):
    """The ledger was verified, and this login may not say so for others; `report` is what it is."""

    code = "ledger.unkept"
    hint = "Verify as the role ethops_verifier; `manage.py ledger verify` does on this host."

    def __init__(self, report: Report) -> None:
        super().__init__("what was found is not kept: this login may not say how the ledger stands")
        self.report = report
