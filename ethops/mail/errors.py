"""Why a letter is not taken in; said to who delivers it."""


class MailError(Exception):
    """The base: `code` is stable, `hint` is the mend."""

    code = "mail.error"
    hint = "See docs/reference/mail.md."


class ListenError(MailError):
    """The address to listen at cannot be used."""

    code = "mail.listen"
    hint = "Give ETHOPS_MAIL_LISTEN an address of this host whose port is free."
