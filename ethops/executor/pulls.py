"""The effects of pull requests: opened on a branch of its own, and merged as people approved it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from adapters.forge.errors import (
    ChangeRefusedError,
    ForgeError,
    ForgeRefusedError,
    ForgeUnavailableError,
    SaysTooMuchError,
)
from adapters.forge.git import Git
from adapters.forge.port import Draft, File, Pull, Reader, Writer
from ethops.executor import stop
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import ArgumentRefusedError, NotNowError, PullRefusedError
from personas import gate
from personas.gate import Claim

MOST_SHOWN: Final = 120_000
"""Characters of a change that people are shown; of a longer one they could not say what it is."""
DIFF: Final = (
    *("-r", "-p", "--text", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color"),
    *("--full-index", "--src-prefix=a/", "--dst-prefix=b/"),
)


@dataclass(frozen=True, slots=True)
class OpenPull:
    """Opens it once; the action's id is the key, which stands in the branch's name."""

    reader: Callable[[], Reader]
    writer: Callable[[], Writer]
    diff: Callable[[Pull], str]
    """What it changes, as people are shown it; empty where that is shown elsewhere."""

    def act(self, claim: Claim) -> Result:
        """Put the files on a branch, and ask for its merge."""
        draft = _draft(claim)
        stop.check_file()
        try:
            return self._opened(self.writer().open(claim.action_id, draft))
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
        return Finding("done", self._opened(found))

    def _opened(self, pull: Pull) -> Result:
        return {
            "said": f"pull request {pull.number} is {pull.state}",
            "pull": pull.number,
            "head": pull.head,
            "url": pull.url,
            "diff": self.diff(pull),
        }


@dataclass(frozen=True, slots=True)
class MergePull:
    """Merges the head that a person had merged, and no other; its ticket is told by `pull.tell`."""

    reader: Callable[[], Reader]
    writer: Callable[[], Writer]

    def act(self, claim: Claim) -> Result:
        """Merge it; what was cut off is ended, what is merged stays."""
        stop.check_file()
        try:
            pull = self.writer().merge(
                int(claim.args["number"]), expected_head=claim.args["head"], by=_person(claim)
            )
        except ForgeUnavailableError as fault:
            raise NotNowError(str(fault)) from fault
        except ForgeError as fault:
            raise PullRefusedError(str(fault), result={"refused": fault.code}) from fault
        return _merged(pull)

    def probe(self, claim: Claim) -> Finding:
        """Look whether that head is merged; where it is not, merging again ends it."""
        try:
            pull = self.reader().get(int(claim.args["number"]))
        except ForgeError as fault:
            return Finding("absent", {"said": str(fault), "code": fault.code})
        if pull.state == "merged" and pull.head == claim.args["head"]:
            return Finding("done", _merged(pull))
        return Finding("absent", {"said": f"pull request {pull.number} is {pull.state}"})


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


def _person(claim: Claim) -> str:
    return claim.principal.removeprefix("person:")


def _merged(pull: Pull) -> Result:
    said = f"pull request {pull.number} is merged as {pull.merged_as[:12]}"
    return {"said": said, "pull": pull.number, "merged_as": pull.merged_as}


def changed(git: Git, pull: Pull) -> str:
    """Return what a head changes since it left the base; empty where nobody could read it all."""
    fork = git("merge-base", f"refs/heads/{pull.base}", pull.head).out.decode("ascii").strip()
    try:
        said = git("diff-tree", *DIFF, fork, pull.head)
    except SaysTooMuchError:
        # It is opened all the same: that is known, and people are told that it is not shown.
        return ""
    text = said.out.decode("utf-8", "replace").replace("\0", "\ufffd")
    return text if said.code == 0 and len(text) <= MOST_SHOWN else ""
