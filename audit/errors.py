"""What can go wrong in the record."""


class RecordError(Exception):
    """Something in the record refused or failed; `code` is stable, `hint` says how to mend it."""

    code = "record.error"
    hint = "See the log of the recorder."


class NotCanonicalError(RecordError):
    """A value has no place in the canonical form."""

    code = "record.not_canonical"
    hint = "Use strings, booleans, null, whole numbers within 2^53, lists, and string keys."
