"""Why nothing was imported."""

from collections.abc import Sequence
from typing import ClassVar

from adapters.declared import Fault


class ImportRefusedError(Exception):
    """Nothing was laid down; the message says what, `hint` how to mend it."""

    code: ClassVar[str] = "catalog.refused"

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class SourceRefusedError(ImportRefusedError):
    """It is no address that this site imports from, or names nothing that stands still."""

    code = "catalog.source"


class FetchError(ImportRefusedError):
    """Git could not, or would not, bring it here."""

    code = "catalog.fetch"


class FaultsError(ImportRefusedError):
    """The repository holds what an entry of a catalogue must not hold."""

    code = "catalog.faults"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(
            "\n".join(map(str, faults)), "Nothing was imported: mend it there, and name the commit."
        )
        self.faults = tuple(faults)


class LintMissingError(ImportRefusedError):
    """There is nobody here who could judge what was found."""

    code = "catalog.lint"


class InventoryRefusedError(ImportRefusedError):
    """It is no file that CIs are imported from."""

    code = "cmdb.import"


class GoneRefusedError(ImportRefusedError):
    """So much would be gone that a person must say how much it is."""

    code = "cmdb.import_gone"
