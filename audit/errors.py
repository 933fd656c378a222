"""What can go wrong in the record."""


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
