"""Gitea and Forgejo, over their REST API of version 1: pull requests of one repository."""

import base64
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from adapters.forge import remote
from adapters.forge.api import Api, understood
from adapters.forge.errors import ForgeRefusedError, ForgeUnavailableError, PullNotFoundError
from adapters.forge.git import Git
from adapters.forge.place import Place
from adapters.forge.port import File, Pull, Review
from adapters.forge.remote import Commit, Entry
from adapters.forge.repository import MAIL
from adapters.forge.shapes import Common, tip_of, verdict_of
from adapters.text import one_line, plain

LATER: Final = "Please try again later"
"""What it says of a pull request that it has not yet looked at since the base moved, and of one
that conflicts; one that was left alone for a week is looked at only when somebody reads it."""
PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
"""Seconds until it is asked again, each time; then it conflicts."""
MOST_PAGES: Final = 100


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

    def tree(self, commit: str) -> Mapping[str, Entry]:
        """Return all that is in a commit, by path; it comes by pages of 1,000, or as its site says.

        Raises:
            ForgeUnavailableError: there is no end of it: a part of a tree could hide a link.
        """
        found: dict[str, Entry] = {}
        for page in range(1, MOST_PAGES + 1):
            more = self._part_of_tree(commit, found, page=page)
            if not more:
                return found
        raise ForgeUnavailableError(f"{commit[:12]} has more than {MOST_PAGES} pages of files.")

    def tip(self, branch: str) -> str | None:
        """Return where a branch stands."""
        return tip_of(self._api, f"{self._at}/branches/{quote(branch)}", "commit", "id")

    def drop(self, branch: str) -> None:
        """Delete a branch."""
        self._api.ask("DELETE", f"{self._at}/branches/{quote(branch)}")

    def reviews(self, pull: Pull) -> tuple[Review, ...]:
        """Return what was said; `official` is Gitea's word for somebody who might decide then."""
        found: list[Review] = []
        may: frozenset[str] | None = None
        for each in self._api.pages(f"{self._at}/pulls/{pull.number}/reviews"):
            with understood("A review"):
                verdict = verdict_of(each["state"])
                if verdict is None or not each["user"]:
                    continue
                void = each["dismissed"] or (each["stale"] and verdict == "approved")
                login = str(each["user"]["login"])
                official = bool(each["official"])
                if official and may is None:
                    may = self._may_write()
                found.append(
                    Review(
                        reviewer=login,
                        verdict=verdict,
                        head=str(each["commit_id"]),
                        why=plain(each["body"] or "", 2000),
                        at=datetime.fromisoformat(each["submitted_at"]),
                        counts=official
                        and not void
                        and login in (may or ())
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
        """Merge it if it has this head; wait where it does not know yet whether that can be."""
        body = {"Do": "merge", "head_commit_id": head, "MergeTitleField": title}
        for pause in (*PAUSES, None):
            try:
                self._api.ask("POST", f"{self._at}/pulls/{number:d}/merge", body)
            except ForgeRefusedError as fault:
                if pause is None or LATER not in str(fault):
                    raise
                time.sleep(pause)
            else:
                return

    def conflicts(self, number: int, refusal: str) -> bool:
        """Tell whether it conflicts: one that is looked at, or unfinished, is not mergeable too."""
        return LATER in refusal and super().conflicts(number, refusal)

    def _may_write(self) -> frozenset[str]:
        """Return who may write now: of a review it says who might when he wrote it.

        Of an organization's teams those who may read pull requests are among them: it tells more
        to administrators alone.
        """
        with understood("The list of who may write"):
            listed = self._api.get(f"{self._at}/assignees")
            return frozenset(str(each["login"]) for each in listed)


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
