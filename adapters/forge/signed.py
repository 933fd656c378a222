"""Who stands behind a pull request elsewhere, written into its commits: pure.

The account that opens it is ours for everybody, and its description can be edited; a commit cannot.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from adapters.forge.port import Draft
from adapters.text import one_line, plain

AUTHOR: Final = "Ethops-Author: "
BEHIND: Final = "Ethops-Behind: "
TICKET: Final = "Ethops-Ticket: "


@dataclass(frozen=True, slots=True)
class Signed:
    """What the commits of a pull request say about it."""

    author: str
    behind: tuple[str, ...]
    ticket_ref: str


def message(
    title: str, body: str, author: str, behind: Iterable[str] = (), ticket: str = ""
) -> str:
    """Return a commit's message that names who stands behind it, last."""
    lines = [AUTHOR + one_line(author, 150)]
    lines += [BEHIND + one_line(each, 150) for each in behind]
    lines += [TICKET + one_line(ticket, 64)] if ticket else []
    return "\n\n".join(filter(None, [one_line(title, 200), plain(body, 20_000), "\n".join(lines)]))


def of_draft(draft: Draft) -> str:
    """Return the message of a pull request's first commit."""
    return message(draft.title, draft.body, draft.author, draft.behind, draft.ticket_ref)


def read(messages: Iterable[str], logins: Iterable[str]) -> Signed:
    """Return who stands behind commits: all that they name, and whoever made one of them.

    A name that a text puts there only takes a voice away; the author is the last of the first.
    """
    each = list(messages)
    named = [line for text in each for line in text.splitlines()]
    authors = _after(AUTHOR, each[0].splitlines() if each else [])
    everybody = {*_after(AUTHOR, named), *_after(BEHIND, named), *logins}
    author = authors[-1] if authors else ""
    tickets = _after(TICKET, each[0].splitlines() if each else [])
    return Signed(author, tuple(sorted(everybody - {author})), tickets[-1] if tickets else "")


def _after(mark: str, lines: Iterable[str]) -> list[str]:
    return [line.removeprefix(mark).strip() for line in lines if line.startswith(mark)]
