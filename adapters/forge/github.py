"""GitHub, over its REST API: pull requests of one repository."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from adapters.forge import remote
from adapters.forge.api import Api, understood
from adapters.forge.errors import ForgeRefusedError, HeadMovedError, PullNotFoundError
from adapters.forge.files import PLAIN
from adapters.forge.git import Git
from adapters.forge.place import Place
from adapters.forge.port import File, Pull, Review, Seen
from adapters.forge.remote import Commit, Entry
from adapters.forge.repository import MAIL
from adapters.forge.shapes import Common, tip_of, verdict_of
from adapters.text import one_line, plain

VERSION: Final = "2022-11-28"
MAY_DECIDE: Final = ("admin", "write")
"""What GitHub calls the rights of those whose approval counts; all others may approve too."""


class GitHub(Common):
    """One repository at GitHub, or at a GitHub Enterprise server."""

    def __init__(self, place: Place) -> None:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {place.token}",
            "X-GitHub-Api-Version": VERSION,
        }
        super().__init__(place, Api(place.url or "https://api.github.com", headers))
        self._owner = place.repository.partition("/")[0]

    def look(self, number: int) -> Seen:
        """Return where a pull request stands; who closed it stands with its issue."""
        found = super().look(number)
        if found.state != "closed":
            return found
        try:
            said = self._api.get(f"{self._at}/issues/{number:d}")
        except (PullNotFoundError, ForgeRefusedError):
            # A token may read pull requests and no issues: that it is closed is known so.
            return found
        with understood("An issue"):
            by = said["closed_by"]
            return replace(found, ended_by=str(by["login"]) if by else "")

    def drop(self, branch: str) -> None:
        """Delete a branch."""
        self._api.ask("DELETE", f"{self._at}/git/refs/{quote(f'heads/{branch}')}")

    def by_branch(self, branch: str) -> Pull | None:
        """Return the pull request of a branch, whatever became of it."""
        head = f"{self._owner}:{branch}"
        said = self._api.get(f"{self._at}/pulls", state="all", head=head, base=self.base)
        with understood("The list of pull requests"):
            # An unknown head is no error there: the list is then of all.
            fitting = [each for each in said if each["head"]["ref"] == branch]
            return self._pull(fitting[0]) if fitting else None

    def tip(self, branch: str) -> str | None:
        """Return where a branch stands."""
        return tip_of(self._api, f"{self._at}/git/ref/heads/{quote(branch)}", "object", "sha")

    def reviews(self, pull: Pull) -> tuple[Review, ...]:
        """Return what was said; GitHub lets strangers and machines approve, and we do not."""
        found: list[Review] = []
        may: dict[str, bool] = {}
        for each in self._api.pages(f"{self._at}/pulls/{pull.number}/reviews"):
            with understood("A review"):
                verdict = verdict_of(each["state"])
                if verdict is None or not each["user"]:
                    continue
                login = str(each["user"]["login"])
                if login not in may:
                    may[login] = self._may_decide(each["user"], pull)
                found.append(
                    Review(
                        reviewer=login,
                        verdict=verdict,
                        head=str(each["commit_id"] or ""),
                        why=plain(each["body"] or "", 2000),
                        at=datetime.fromisoformat(each["submitted_at"]),
                        counts=may[login] and each["state"] != "DISMISSED",
                    )
                )
        return tuple(sorted(found, key=lambda each: each.at))

    def commit(self, made: Commit, there: Mapping[str, Entry]) -> None:
        """Make the bytes, the tree and the commit, and let the branch point there last."""
        tree = self._made("git/trees", {
            "base_tree": self._tree_of(made.parent),
            "tree": [self._entry(file, there.get(file.path)) for file in made.files],
        })  # fmt: skip
        author = {"name": one_line(made.author, 150), "email": MAIL}
        sha = self._made("git/commits", {
            "message": made.message, "tree": tree, "parents": [made.parent], "author": author,
        })  # fmt: skip
        ref = f"heads/{made.branch}"
        if made.is_new:
            self._api.ask("POST", f"{self._at}/git/refs", {"ref": f"refs/{ref}", "sha": sha})
            return
        try:
            body = {"sha": sha, "force": False}
            self._api.ask("PATCH", f"{self._at}/git/refs/{quote(ref)}", body)
        except ForgeRefusedError as fault:
            raise HeadMovedError(f"{made.branch} has moved meanwhile: {fault}") from fault

    def merge(self, number: int, head: str, title: str) -> None:
        """Merge it if it has this head."""
        body = {"sha": head, "merge_method": "merge", "commit_title": title}
        self._api.ask("PUT", f"{self._at}/pulls/{number:d}/merge", body)

    def _may_decide(self, user: Mapping[str, Any], pull: Pull) -> bool:
        login = str(user["login"])
        if user["type"] != "User" or not self._counts(login, (pull.author, *pull.behind)):
            return False
        try:
            said = self._api.get(f"{self._at}/collaborators/{quote(login, safe='')}/permission")
        except PullNotFoundError:
            return False
        return said["permission"] in MAY_DECIDE

    def _entry(self, file: File, there: Entry | None) -> dict[str, Any]:
        said = {"path": file.path, "mode": there.mode if there else PLAIN[0], "type": "blob"}
        if file.content is None:
            return {**said, "sha": None}
        body = {"content": base64.b64encode(file.content).decode("ascii"), "encoding": "base64"}
        return {**said, "sha": self._made("git/blobs", body)}

    def _tree_of(self, commit: str) -> str:
        said = self._api.get(f"{self._at}/git/commits/{commit}")
        with understood("A commit"):
            return str(said["tree"]["sha"])

    def _made(self, what: str, body: Mapping[str, Any]) -> str:
        said = self._api.ask("POST", f"{self._at}/{what}", body)
        with understood(what):
            return str(said["sha"])


class Reader(remote.Reader):
    """Reads pull requests at GitHub."""

    def __init__(self, place: Place) -> None:
        super().__init__(GitHub(place))


class Writer(remote.Writer):
    """Writes pull requests at GitHub; it starts no git."""

    def __init__(self, place: Place, git: Git | None = None) -> None:
        del git
        super().__init__(GitHub(place))


class Reviewer(remote.Reviewer):
    """People review at the forge."""

    def __init__(self, place: Place) -> None:
        del place
