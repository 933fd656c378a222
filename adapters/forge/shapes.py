"""What GitHub's API and Gitea's say in the same words: pull requests, commits, trees, bytes."""

import base64
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from adapters.forge import files as rules
from adapters.forge import signed
from adapters.forge.api import Api, understood
from adapters.forge.errors import ForgeUnavailableError, PullNotFoundError
from adapters.forge.place import Place
from adapters.forge.port import Pull, Seen, State, Verdict
from adapters.forge.remote import Entry
from adapters.text import plain

VERDICTS: Final[Mapping[str, Verdict]] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "changes_requested",
    "REQUEST_CHANGES": "changes_requested",
    "COMMENTED": "commented",
    "COMMENT": "commented",
    "DISMISSED": "commented",
}


class Common:
    """The part of a repository's API that both forges have."""

    def __init__(self, place: Place, api: Api) -> None:
        self.base = place.base
        self._machines = frozenset(map(str.casefold, place.machines))
        self._at = f"/repos/{quote(place.repository)}"
        self._api = api

    def pull(self, number: int) -> Pull:
        """Return a pull request."""
        return self._pull(self._api.get(f"{self._at}/pulls/{number:d}"))

    def look(self, number: int) -> Seen:
        """Return where a pull request stands, in one request."""
        said = self._api.get(f"{self._at}/pulls/{number:d}")
        with understood("A pull request"):
            state, by = _state(said), said["merged_by"] if said["merged_at"] else None
            return Seen(
                number=int(said["number"]),
                key=_key(said["head"]),
                head=str(said["head"]["sha"] or ""),
                state=state,
                merged_as=str(said["merge_commit_sha"] or "") if state == "merged" else "",
                ended_by=str(by["login"]) if by else "",
                mark=str(said["updated_at"]),
            )

    def pulls(self, state: State, limit: int) -> tuple[Pull, ...]:
        """Return pull requests in a state, newest first."""
        word = "open" if state == "open" else "closed"
        listed = self._api.pages(f"{self._at}/pulls", state=word)
        with understood("The list of pull requests"):
            fitting = (each for each in listed if _state(each) == state)
            return tuple(self._pull(each) for each in islice(fitting, limit))

    def touched(self, number: int) -> tuple[tuple[str, str], ...]:
        """Return which paths are touched, and the forge's word for how."""
        found: list[tuple[str, str]] = []
        for each in self._api.pages(f"{self._at}/pulls/{number:d}/files"):
            with understood("A file of a pull request"):
                if each["status"] == "renamed":
                    found.append((str(each["previous_filename"]), "removed"))
                    found.append((str(each["filename"]), "added"))
                else:
                    found.append((str(each["filename"]), str(each["status"])))
        return tuple(found)

    def tree(self, commit: str) -> Mapping[str, Entry]:
        """Return all that is in a commit, by path."""
        found: dict[str, Entry] = {}
        if self._part_of_tree(commit, found):
            # A part of a tree could hide a link.
            raise ForgeUnavailableError(f"The forge tells a part of {commit[:12]} alone.")
        return found

    def _part_of_tree(self, commit: str, found: dict[str, Entry], **which: int) -> bool:
        """Add what one answer tells of a commit, and return whether there is more."""
        at = f"{self._at}/git/trees/{commit}"
        said = self._api.get(at, recursive="true", per_page=100_000, **which)
        with understood("A tree"):
            # Gitea tells a tree without a file as null.
            for each in said["tree"] or ():
                found[str(each["path"])] = Entry(
                    str(each["mode"]).zfill(6), str(each["sha"]), int(each.get("size") or 0)
                )
            return bool(said["truncated"])

    def blob(self, sha: str) -> bytes:
        """Return a file's bytes."""
        said = self._api.get(f"{self._at}/git/blobs/{sha}")
        with understood("A file"):
            return base64.b64decode(said["content"])

    def open(self, branch: str, title: str, body: str) -> None:
        """Ask for the merge of a branch into the base."""
        wish = {"title": title, "body": body, "head": branch, "base": self.base}
        self._api.ask("POST", f"{self._at}/pulls", wish)

    def close(self, number: int, why: str) -> None:
        """Say why, and close it."""
        self._api.ask("POST", f"{self._at}/issues/{number:d}/comments", {"body": why})
        self._api.ask("PATCH", f"{self._at}/pulls/{number:d}", {"state": "closed"})

    def conflicts(self, number: int, refusal: str) -> bool:
        """Tell whether the forge says that it cannot be merged as it is."""
        del refusal
        return self._api.get(f"{self._at}/pulls/{number:d}").get("mergeable") is False

    def _pull(self, said: Any) -> Pull:
        with understood("A pull request"):
            opener = str(said["user"]["login"])
            stands = self._signed(int(said["number"]), opener)
            return Pull(
                number=int(said["number"]),
                key=_key(said["head"]),
                title=str(said["title"]),
                body=plain(said["body"] or "", 20_000),
                author=stands.author or opener,
                behind=stands.behind,
                ticket_ref=stands.ticket_ref,
                branch=str(said["head"]["ref"]),
                base=str(said["base"]["ref"]),
                head=str(said["head"]["sha"]),
                state=_state(said),
                merged_as=str(said["merge_commit_sha"] or "") if said["merged_at"] else "",
                opened_at=datetime.fromisoformat(said["created_at"]),
                url=str(said["html_url"]),
            )

    def _signed(self, number: int, opener: str) -> signed.Signed:
        """Return who stands behind it: whom its commits name, who made one, and who opened it."""
        commits = list(self._api.pages(f"{self._at}/pulls/{number:d}/commits"))
        logins = {opener}
        for each in commits:
            logins |= {str(who["login"]) for who in (each["author"], each["committer"]) if who}
        # Gitea tells the newest first; a message that opens a pull request stands in the oldest.
        messages = [str(each["commit"]["message"]) for each in commits]
        first = next((text for text in messages if signed.AUTHOR in text), "")
        return signed.read([first, *messages], logins)

    def _counts(self, login: str, behind: tuple[str, ...]) -> bool:
        """Tell whether a login is a person's, and of one who is not behind it."""
        name = login.casefold()
        return name not in self._machines and name not in {each.casefold() for each in behind}


def verdict_of(word: object) -> Verdict | None:
    """Return our word for a review's state, None for what is no review yet."""
    return VERDICTS.get(str(word))


def tip_of(api: Api, path: str, *keys: str) -> str | None:
    """Return the commit that a branch's page names, None where there is no such branch."""
    try:
        said = api.get(path)
    except PullNotFoundError:
        return None
    with understood("A branch"):
        for key in keys:
            said = said[key]
        return str(said)


def _key(head: Any) -> UUID | None:
    """Return the key in a branch's name; Gitea tells a branch that is gone by its label alone."""
    name = str(head["ref"])
    return rules.key_of(name) or rules.key_of(str(head.get("label") or "").rpartition(":")[2])


def _state(said: Any) -> State:
    if said["merged_at"]:
        return "merged"
    return "open" if said["state"] == "open" else "closed"
