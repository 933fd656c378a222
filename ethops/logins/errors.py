"""What is refused about logins."""


class LoginsError(Exception):
    """Something about who a person is cannot be so."""

    code = "logins.error"
    hint = "Look at docs/reference/logins.md."
    name = ""
    """Whom it is about, where that is known."""


class NoRoleError(LoginsError):
    """There is no such role, or it names a right that there is not."""

    code = "logins.no_role"
    hint = "Choose of requester, operator, approver, auditor and admin."


class ProviderAwayError(LoginsError):
    """The provider does not answer, or not as one does; accounts of this house go on."""

    code = "logins.provider_away"
    hint = "Try again in a moment. Who has a password here logs in with it meanwhile."


class DirectoryAwayError(LoginsError):
    """The directory does not answer, or not as it should; accounts of this house go on."""

    code = "logins.directory_away"
    hint = "Try again in a moment. Who has a password of this house logs in with it meanwhile."


class NoIdError(DirectoryAwayError):
    """The directory says of somebody nothing by which he is known for good."""


class BadAnswerError(LoginsError):
    """What came back is not the answer to what this browser asked, or is not for us."""

    code = "logins.bad_answer"
    hint = "Begin again at the login."


class UnverifiedError(LoginsError):
    """The provider does not say that the person's address of mail is his."""

    code = "logins.unverified"
    hint = "Have your address confirmed there, and come again."


class UnknownPersonError(LoginsError):
    """Who comes has no account here, and newcomers get none."""

    code = "logins.unknown"
    hint = "Ask an admin for an account with your address of mail."


class NotYoursError(LoginsError):
    """The account with this address is not the provider's to open."""

    code = "logins.not_yours"
    hint = "Log in with the password that you have here, or ask an admin."


class NoPlaceError(LoginsError):
    """None of the person's groups has a role here."""

    code = "logins.no_place"
    hint = "Ask for a group that has one; an admin knows which."
