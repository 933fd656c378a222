"""Why a decision about a proposal was refused."""

from typing import Final

from personas.errors import PersonaError

HINTS: Final = {
    "approvals.not_found": "See what waits under Approvals.",
    "approvals.forbidden": "Ask somebody who has the permission to approve.",
    "approvals.over": "Look at the proposal: it says what became of it.",
    "approvals.stopped": "A named person resumes; then look at the proposal again.",
    "approvals.changed": "It is void; the agent proposes again if it is still needed.",
    "approvals.healed": "Nothing is to be done; the agent goes on and looks whether it stays so.",
    "approvals.unseen": "See why its probes are silent; once they look again, so may you.",
    "approvals.guard": "See the guard's reason; it has to agree again when a person approves.",
    "approvals.not_shown": "Load the page again and read it.",
    "approvals.not_independent": "Somebody who neither asked for it nor wrote it approves it.",
    "approvals.too_early": "Read it again after the declared delay.",
    "approvals.no_factor": "`manage.py factor enrol NAME` on the host takes a minute.",
    "approvals.wrong_code": "Use the code that your authenticator shows now, each only once.",
    "forge.not_found": "See the list of pull requests.",
    "forge.not_a_person": "Ask somebody who has the permission to approve pull requests.",
    "forge.own_pull": "Somebody else has to.",
    "forge.head_moved": "Load the page again and read it.",
    "forge.not_open": "See what became of it.",
    "forge.objected": "Who asked for changes approves what came of it.",
    "forge.not_approved": "Have the head approved that is there now.",
    "forge.no_reason": "One sentence: whoever asked for it reads it in his ticket.",
    "approvals.unfit_ci": "Nothing was kept. Correct what it names; "
    "where somebody was faster, load the page again and read what it says now.",
    "approvals.unfit_word": "Nothing was kept, and no code was used up. Say it as it asks for.",
    "approvals.locked": "Wait; each further wrong code doubles the wait, up to an hour.",
}
"""Code of the gate -> what to do about it; every code is documented."""


class ApprovalRefusedError(PersonaError):
    """The gate has refused what a person decided; nothing has happened."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = HINTS[code]


class EnrolmentError(PersonaError):
    """A second factor could not be enrolled or confirmed."""

    code = "approvals.enrolment"
    hint = "`manage.py factor enrol NAME` makes a new secret; confirm it with the code shown now."
