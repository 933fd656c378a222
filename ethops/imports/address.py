"""What `REPO@REV` means, and whether this site imports from there: pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from ethops.imports.errors import SourceRefusedError

Scheme: TypeAlias = Literal["https", "ssh", "file"]

COMMIT: Final = re.compile(r"[0-9a-f]{40}")
REVISION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/-]{0,119}")
URL: Final = re.compile(r"(https|ssh)://[A-Za-z0-9._~@:/+-]{1,400}")
PATH: Final = re.compile(r"/[A-Za-z0-9._+@/ -]{1,400}")
MEND: Final = "Write https://HOST/PATH@REV, ssh://USER@HOST/PATH@REV or /PATH@REV."


@dataclass(frozen=True, slots=True)
class Address:
    """A repository and what of it is meant."""

    repository: str
    revision: str
    scheme: Scheme

    @property
    def is_commit(self) -> bool:
        """Tell whether the revision is a whole commit id."""
        return COMMIT.fullmatch(self.revision) is not None


def parse(text: str) -> Address:
    """Return the address that was typed.

    Raises:
        SourceRefusedError: it is none, or of a kind that is never imported from.
    """
    repository, at, revision = text.rpartition("@")
    if not at or not REVISION.fullmatch(revision) or ".." in revision or "//" in revision:
        raise SourceRefusedError(f"{text!r} names no revision.", MEND)
    url = URL.fullmatch(repository)
    path = PATH.fullmatch(repository)
    if not (url or path) or ".." in PurePosixPath(repository).parts:
        raise SourceRefusedError(f"{repository!r} is no address that is imported from.", MEND)
    if path:
        return Address(repository, revision, "file")
    split = urlsplit(repository)
    if split.password or not split.hostname or split.hostname.startswith("-"):
        raise SourceRefusedError(
            f"{split.hostname or repository} is named with a password, or not at all.",
            "Leave secrets to git's own means: a key, or an agent.",
        )
    return Address(repository, revision, "https" if split.scheme == "https" else "ssh")


def check_allowed(address: Address, allowed: Sequence[str]) -> None:
    """Hold an address against the beginnings that the site file names under `imports`.

    Raises:
        SourceRefusedError: none of them is its beginning, component by component.
    """
    for beginning in allowed:
        stem = beginning.rstrip("/")
        if address.repository == stem or address.repository.startswith(f"{stem}/"):
            return
    named = ", ".join(allowed) or "nothing"
    raise SourceRefusedError(
        f"This site imports from {named}, not from {address.repository}.",
        "Name the beginning of its address under `imports` in the site file.",
    )
