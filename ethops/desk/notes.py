"""A person's line in a worklog, and what it does: who is mentioned in it watches, and is told."""

import re
from typing import Final
from uuid import UUID, uuid5

from django.contrib.auth.models import User

from adapters import registry
from adapters.tickets.beside import Visibility, Watcher
from adapters.tickets.port import Deed, Note
from ethops.desk import notices, people
from ethops.executor import tickets

RULE: Final = "mentions"
MOST: Final = 10
"""So many people one line may call."""

_MENTION: Final = re.compile(r"(?<![\w@.])@([\w][\w.+-]{0,149})")


def write(*, key: UUID, ref: str, person: str, text: str, visibility: Visibility) -> Deed:
    """Append a person's line; `@name` has that person watch the ticket, and tells him."""
    vouched = people.vouched(person)
    deed = tickets.comment_by_person(
        key=key, ref=ref, person=person, text=text, visibility=visibility, vouched=vouched
    )
    # Whoever is not of the desk calls nobody of it by name.
    if vouched.roles and not deed.repeated:
        for name in mentioned(text, visibility):
            _call(key, ref, name, person, deed.line or 0)
    return deed


def mentioned(text: str, visibility: Visibility) -> list[str]:
    """Return whom a line mentions, of those who may read it."""
    names = [name.rstrip(".-+") for name in _MENTION.findall(text)][:MOST]
    found = User.objects.filter(username__in=names, is_active=True)
    if visibility == "private":
        found = found.filter(is_staff=True)
    known = set(found.values_list("username", flat=True))
    return [name for name in dict.fromkeys(names) if name in known]


def _call(key: UUID, ref: str, name: str, by: str, line: int) -> None:
    watching = {one.person for one in registry.reader("tickets").watchers(ref)}
    if name not in watching:
        tickets.watch(
            key=uuid5(key, f"watch:{name}"),
            watcher=Watcher(ref, person=name, why="mentioned"),
            note=Note("", RULE, "rule"),
        )
    if name != by:
        notices.tell(
            rule="mention",
            key=f"{ref}:{line}:{name}",
            ticket_ref=ref,
            title=f"{by} mentions you in {ref}",
            text=f"{by} mentions {name} in line {line} of {ref}.",
            to=name,
        )
