"""Gitea and Forgejo, over their REST API of version 1: pull requests of one repository."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from adapters.forge import remote
from adapters.forge.api import Api, understood
from adapters.forge.errors import PullNotFoundError
from adapters.forge.git import Git
from adapters.forge.place import Place
from adapters.forge.port import File, Pull, Review
from adapters.forge.remote import Commit, Entry
from adapters.forge.repository import MAIL
from adapters.forge.shapes import Common, tip_of, verdict_of
from adapters.text import one_line, plain


class Gitea(Common):
    """One repository at a Gitea or a Forgejo."""

    def __init__(self, place: Place) -> None:
        api = Api(f"{place.url.rstrip('/')}/api/v1", {"Authorization": f"token {place.token}"})
        super().__init__(place, api)

    def by_branch(self, branch: str) -> Pull | None:
        """Return the pull request of a branch, whatever became of it."""
        try:
            said = self._api.get(f"{self._at}/pulls/{quote(self.base, safe='')}/{quote(branch)}")
        except PullNotFoundError:
            return None
        return self._pull(said)

    def tip(self, branch: str) -> str | None:
        """Return where a branch stands."""
        return tip_of(self._api, f"{self._at}/branches/{quote(branch)}", "commit", "id")

    def drop(self, branch: str) -> None:
        """Delete a branch."""
        self._api.ask("DELETE", f"{self._at}/branches/{quote(branch)}")

    def reviews(self, pull: Pull) -> tuple[Review, ...]:
        """Return what was said; `official` is Gitea's word for somebody who may decide."""
        found: list[Review] = []
        for each in self._api.pages(f"{self._at}/pulls/{pull.number}/reviews"):
            with understood("A review"):
                verdict = verdict_of(each["state"])
                if verdict is None or not each["user"]:
                    continue
                void = each["dismissed"] or (each["stale"] and verdict == "approved")
                login = str(each["user"]["login"])
                found.append(
                    Review(
                        reviewer=login,
                        verdict=verdict,
                        head=str(each["commit_id"]),
                        why=plain(each["body"] or "", 2000),
                        at=datetime.fromisoformat(each["submitted_at"]),
                        counts=bool(each["official"])
                        and not void
                        and self._counts(login, (pull.author, *pull.behind)),
                    )
                )
        return tuple(sorted(found, key=lambda each: each.at))

    def commit(self, made: Commit, there: Mapping[str, Entry]) -> None:
        """Change all files in one commit; each is changed only if it is as it was looked at."""
        place = (
            {"branch": self.base, "new_branch": made.branch}
            if made.is_new
            else {"branch": made.branch}
        )
        body = {
            **place,
            "message": made.message,
            "author": {"name": one_line(made.author, 150), "email": MAIL},
            "files": [_operation(file, there.get(file.path)) for file in made.files],
        }
        self._api.ask("POST", f"{self._at}/contents", body)

    def merge(self, number: int, head: str, title: str) -> None:
        """Merge it if it has this head."""
        body = {"Do": "merge", "head_commit_id": head, "MergeTitleField": title}
        self._api.ask("POST", f"{self._at}/pulls/{number:d}/merge", body)


def _operation(file: File, there: Entry | None) -> dict[str, Any]:
    said: dict[str, Any] = {"path": file.path, "operation": "create"}
    if there is not None:
        said |= {"operation": "update", "sha": there.sha}
    if file.content is None:
        return said | {"operation": "delete"}
    return said | {"content": base64.b64encode(file.content).decode("ascii")}


class Reader(remote.Reader):
    """Reads pull requests at a Gitea or a Forgejo."""

    def __init__(self, place: Place) -> None:
        super().__init__(Gitea(place))


class Writer(remote.Writer):
    """Writes pull requests at a Gitea or a Forgejo; it starts no git."""

    def __init__(self, place: Place, git: Git | None = None) -> None:
        del git
        super().__init__(Gitea(place))


class Reviewer(remote.Reviewer):
    """People review at the forge."""

    def __init__(self, place: Place) -> None:
        del place
