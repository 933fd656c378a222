"""Why a person's word for a card was refused."""

from typing import Final

from personas.errors import PersonaError

HINTS: Final = {
    "cards.not_found": "GET /api/v1/cards lists them.",
    "cards.no_reason": "Say why.",
    "cards.other_loaded": "Load the page again and read it; then approve what it shows.",
    "approvals.forbidden": "Ask somebody who has the permission to approve.",
    "approvals.not_independent": "Somebody who did not load the change approves it.",
    "approvals.too_early": "Read it again after the declared delay.",
    "approvals.no_factor": "`manage.py factor enrol NAME` on the host takes a minute.",
    "approvals.wrong_code": "Use the code that your authenticator shows now, each only once.",
    "approvals.locked": "Wait; each further wrong code doubles the wait, up to an hour.",
}
"""Code of the gate -> what to do about it; every code is documented."""


class CardRefusedError(PersonaError):
    """The gate has refused an approval of a card; nothing has changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = HINTS[code]
