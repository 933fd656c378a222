"""What is kept beside a ticket and its worklog: files, who watches, questions to people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Visibility: TypeAlias = Literal["public", "private"]
Watches: TypeAlias = Literal["asked", "mentioned", "wrote", "requested"]


@dataclass(frozen=True, slots=True)
class File:
    """A file that is to be kept with a ticket, as it came: name and type are somebody's word."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is kept with a ticket; `n` is the line of the worklog that says so."""

    ref: str
    n: int
    name: str
    media_type: str
    sha256: str
    size: int
    by: str
    visibility: Visibility
    at: datetime


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told of what happens to a ticket: a person by his login, or an address of mail.

    `why`: he asked to, was mentioned, wrote a line, or the ticket is his wish.
    """

    ref: str
    person: str = ""
    address: str = ""
    why: Watches = "asked"


@dataclass(frozen=True, slots=True)
class Asking:
    """What is to be asked: under which name the answer becomes a fact, and the words for it."""

    name: str
    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question to people; the ticket's first is Q1. `answer` is one of the fixed words."""

    ref: str
    n: int
    name: str
    text: str
    answers: tuple[str, ...]
    asked_by: str
    asked_at: datetime
    answer: str
    answered_by: str
    answered_at: datetime | None
    is_open: bool
