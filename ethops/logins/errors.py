"""What is refused about logins."""


class LoginsError(Exception):
    """Something about who a person is cannot be so."""

    code = "logins.error"
    hint = "Look at docs/reference/logins.md."


class NoRoleError(LoginsError):
    """There is no such role, or it names a right that there is not."""

    code = "logins.no_role"
    hint = "Choose of requester, operator, approver, auditor and admin."
