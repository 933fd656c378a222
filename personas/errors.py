"""What can go wrong with personas, as one tree."""


class PersonaError(Exception):
    """Something about a card, the catalogue or a run; `code` is stable, `hint` is the mend."""

    code = "personas.error"
    hint = "Run `manage.py check`."


class BadDeclarationError(PersonaError):
    """A card, the catalogue or the approvals cannot be read; the text names file and line."""

    code = "personas.bad_declaration"
    hint = "Mend the named lines; `manage.py check` lists them all."


class UnsafeTreeError(PersonaError):
    """A playbook's folder holds something that cannot be pinned, such as a link."""

    code = "personas.unsafe_tree"
    hint = "Keep plain files and folders only in a playbook's folder."


class StepFailedError(PersonaError):
    """A step could not be taken; it is tried again, at most three times."""

    code = "personas.step_failed"
    hint = "Look at the run's work items for the error."


class RunMissingError(PersonaError):
    """Nobody has ever borne this run."""

    code = "runs.not_found"
    hint = "`manage.py personas run list` names those that are not over."


class ControlRefusedError(PersonaError):
    """A run cannot be told this as it stands."""

    code = "runs.control_refused"
    hint = "Look at the run's state: another control may fit it."
