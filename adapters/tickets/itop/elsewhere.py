"""A ticket as iTop has it, past our rows: for the conformance kit, which believes nobody."""

from typing import Any, Final

from django.db import transaction

from adapters.tickets.conformance.bench import KEPT, There
from adapters.tickets.itop import absorb, leftovers, locks, marks, words
from adapters.tickets.itop.client import Found
from adapters.tickets.itop.errors import ItopError, ItopGoneError
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.push import Push
from adapters.tickets.itop.session import session

COMMENT: Final = "ethops conformance check"


class Elsewhere:
    """Looks, writes and removes with our own token, as a person there would."""

    def look(self, ref: str) -> There:
        """Return the ticket as it is there."""
        mirrored, found = _object(ref)
        status = str(found.fields.get("status"))
        state = words.STATES[mirrored.itop_class].get(status, status)
        return There(state, _lines(found, "public_log"), _lines(found, "private_log"))

    def say(self, ref: str, text: str) -> None:
        """Write a line there."""
        mirrored, found = _object(ref)
        log = words.log_of(mirrored.itop_class, "public")
        said = {log: {"add_item": {"message": text, "format": "text"}}}
        session().client.update(mirrored.itop_class, found.id, said, COMMENT, ("id",))

    def end(self, ref: str) -> None:
        """Resolve and close a new incident there."""
        mirrored, found = _object(ref)
        here = session()
        team, agent = here.names.assigned_to("", "")
        given: dict[str, dict[str, Any]] = {
            "ev_assign": {"team_id": team, "agent_id": agent},
            "ev_resolve": {"solution": "Done there.", "resolution_code": "other"},
            "ev_close": {},
        }
        for stimulus, values in given.items():
            here.client.stimulate(
                mirrored.itop_class, found.id, stimulus, values, COMMENT, ("id",)
            )  # fmt: skip

    def take_over(self, ref: str) -> None:
        """Have us read what was done there."""
        here = session()
        with transaction.atomic():
            mirrored = locks.locked(ref)
            if mirrored is None:
                raise ItopGoneError(f"{ref} is ours alone.")
            push = Push(here.client, here.names, mirrored)
            push.read()
            absorb.absorb(mirrored, push.fields, here.names)

    def remove(self, marker: str) -> tuple[str, ...]:
        """Delete what bears the marker; what our user may not delete is left, and named."""
        left: dict[str, list[str]] = {}
        for itop_class in dict.fromkeys(words.CLASSES.values()):
            query = f"SELECT {itop_class} WHERE title LIKE '%[{marks.oql(marker)}]%'"
            found = session().client.get(itop_class, query, ("ref", "title", "status"))
            for one in found.objects:
                # What stays in our rows has its object there, too.
                if not str(one.fields.get("title")).endswith(KEPT):
                    _remove(one, left)
        return tuple(f"{', '.join(names)} stay in iTop: {why}" for why, names in left.items())

    def sweep(self, marker: str) -> tuple[str, ...]:
        """Clear away what killed checks left there."""
        return leftovers.swept(marker)


def _object(ref: str) -> tuple[Mirrored, Found]:
    mirrored = Mirrored.objects.get(ticket_id=ref)
    fields = words.FIELDS[mirrored.itop_class]
    found = session().client.get(mirrored.itop_class, mirrored.itop_id, fields)
    if len(found.objects) != 1:
        raise ItopGoneError(f"{ref} was not opened in iTop, or is hidden there.")
    return mirrored, found.objects[0]


def _lines(found: Found, log: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(one.get("date", "")), str(one.get("message", "")))
        for one in marks.entries(found.fields, log)
    )


def _remove(one: Found, left: dict[str, list[str]]) -> None:
    """Delete one; where iTop refuses, it is put to what else is left for that reason."""
    try:
        session().client.delete(one.itop_class, one.id, COMMENT)
    except ItopError as fault:
        name = f"{one.fields.get('ref')} ({one.fields.get('status')})"
        left.setdefault(str(fault), []).append(name)
