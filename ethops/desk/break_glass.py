"""Reads what people did while the ledger was down from the file in which they wrote it down."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field, RootModel, model_validator

from adapters import declared
from adapters.declared import Declaration, refusal
from audit.ledger.breakglass import Deed
from ethops.desk.errors import UnreadableDeedsError

Person = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._+-]{0,149}$")]


class DeedDocument(Declaration):
    """Who did what, when, and what shows it: a file beside this one, or its SHA-256."""

    who: Person
    what: Annotated[str, Field(min_length=1, max_length=4000)]
    at: AwareDatetime
    ticket: Annotated[str, Field(max_length=40)] = ""
    evidence: Annotated[str, Field(min_length=1, max_length=250)] | None = None
    evidence_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def one_evidence(self) -> "DeedDocument":
        """Ask for one of the two."""
        if (self.evidence is None) == (self.evidence_sha256 is None):
            raise refusal(
                "a deed without evidence, or with two",
                "Name a file under `evidence`, or its SHA-256 under `evidence_sha256`.",
            )
        return self


class DeedsDocument(RootModel[list[DeedDocument]]):
    """Deeds, in any order."""


def read(file: Path, now: datetime) -> list[Deed]:
    """Return the deeds of a YAML file.

    Raises:
        UnreadableDeedsError: names file, line and mend of everything that is wrong with it.
    """
    found = declared.read(file, DeedsDocument)
    if found.value is None:
        raise UnreadableDeedsError("\n".join(str(fault) for fault in found.faults))
    ahead = [deed for deed in found.value.root if deed.at > now]
    if ahead:
        raise UnreadableDeedsError(f"{file}: {ahead[0].at.isoformat()} lies in the future")
    return [_deed(deed, file.parent) for deed in found.value.root]


def _deed(said: DeedDocument, folder: Path) -> Deed:
    digest = said.evidence_sha256
    if digest is None:
        path = folder / str(said.evidence)
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as fault:
            raise UnreadableDeedsError(f"{path} cannot be read: {fault.strerror}") from fault
    return Deed(said.who, said.what, said.at, digest, said.ticket)
