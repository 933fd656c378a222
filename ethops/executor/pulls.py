"""The effect `pull.open`: a change of files on a branch of its own, for people to review."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.forge.errors import (
    ChangeRefusedError,
    ForgeError,
    ForgeRefusedError,
    ForgeUnavailableError,
)
from adapters.forge.port import Draft, File, Pull, Reader, Writer
from ethops.executor import stop
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import ArgumentRefusedError, NotNowError, PullRefusedError
from personas import gate
from personas.gate import Claim


@dataclass(frozen=True, slots=True)
class OpenPull:
    """Opens it once; the action's id is the key, which stands in the branch's name."""

    reader: Callable[[], Reader]
    writer: Callable[[], Writer]

    def act(self, claim: Claim) -> Result:
        """Put the files on a branch, and ask for its merge."""
        draft = _draft(claim)
        stop.check_file()
        try:
            return _opened(self.writer().open(claim.action_id, draft))
        except (ChangeRefusedError, ForgeRefusedError) as fault:
            raise PullRefusedError(str(fault), result={"refused": fault.code}) from fault
        except ForgeUnavailableError as fault:
            raise NotNowError(str(fault)) from fault

    def probe(self, claim: Claim) -> Finding:
        """Ask the forge for the key; where it has none, opening again is safe."""
        try:
            found = self.reader().find(claim.action_id)
        except ForgeError as fault:
            return Finding("absent", {"said": str(fault), "code": fault.code})
        if found is None:
            return Finding("absent", {"said": "the forge knows no pull request of this key"})
        return Finding("done", _opened(found))


def _draft(claim: Claim) -> Draft:
    return Draft(
        title=claim.args["title"],
        body=claim.args["body"],
        author=claim.card or claim.principal,
        files=_files(claim.args["files"]),
        ticket_ref=claim.ticket_ref,
        behind=gate.behind_action(action_id=claim.action_id),
    )


def _files(text: str) -> tuple[File, ...]:
    """Return the files of an argument; paths and sizes are the forge contract's to judge."""
    try:
        said: Any = json.loads(text)
        return tuple(File(each["path"], _bytes(each["content"])) for each in said)
    except (ValueError, TypeError, KeyError) as fault:
        raise ArgumentRefusedError("files are no list of {path, content}") from fault


def _bytes(content: Any) -> bytes | None:
    if content is None:
        return None
    if not isinstance(content, str):
        raise TypeError(content)
    return content.encode("utf-8")


def _opened(pull: Pull) -> Result:
    return {
        "said": f"pull request {pull.number} is {pull.state}",
        "pull": pull.number,
        "head": pull.head,
        "url": pull.url,
    }
