"""What a check that was killed left in an iTop: ended, and removed where that may be."""

from collections.abc import Iterator
from typing import Any, Final

from adapters.markers import AFTER, WORD, is_of_check
from adapters.rows import now
from adapters.tickets.conformance.bench import KEPT, RULE
from adapters.tickets.itop import marks, words
from adapters.tickets.itop.client import Found
from adapters.tickets.itop.errors import ItopError, ItopRightError, ItopStimulusError
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.session import session
from adapters.tickets.models import LogLine

COMMENT: Final = "ethops conformance check, what an earlier one left"
_READ: Final = ("ref", "title", "status")
_SAID: Final = "It was opened by a check that was killed."


def swept(marker: str) -> tuple[str, ...]:
    """Clear away what bears a check's marker and was made by our login; says what became of it.

    With a marker that check's alone, whatever its age; else whatever is older than an hour.
    """
    done: list[str] = []
    stays = 0
    for itop_class in dict.fromkeys(words.CLASSES.values()):
        kept = False
        for one in tuple(_found(itop_class, marker)):
            # Who may not delete one may not delete the next: that is asked once.
            over = kept and one.fields.get("status") == "closed"
            said = "" if over else _cleared(one)
            kept = kept or not said
            done += [said] if said else []
            stays += not said
    if stays:
        done.append(f"{stays} closed ones stay in iTop: our user may not delete them.")
    return tuple(done)


def _found(itop_class: str, marker: str) -> Iterator[Found]:
    """Yield what is a check's by its whole title, and ours by who wrote its first line."""
    begins = marks.oql(f"[{marker}]" if marker else f"[{WORD} ")
    query = f"SELECT {itop_class} WHERE title LIKE '{begins}%'"
    # By the clock that writes there: what its database calls NOW() may be of another zone.
    before = session().names.moment(now() - AFTER)
    said = query if marker else f"{query} AND last_update < '{before}'"
    fields = (*_READ, *words.logs_of(itop_class))
    known: dict[str, bool] = {}
    for one in session().client.get(itop_class, said, fields).objects:
        title = str(one.fields.get("title"))
        settled = one.fields.get("status") == "closed" and (title.endswith(KEPT) or _ref(one))
        if is_of_check(title, marker) and not settled:
            author = _author(one)
            known[author] = known[author] if author in known else _is_ours(author)
            if known[author]:
                yield one


def _ref(one: Found) -> str:
    """Return our ticket of an object; empty where there is none."""
    ours = Mirrored.objects.filter(itop_class=one.itop_class, itop_id=one.id)
    return next(iter(ours.values_list("ticket_id", flat=True)), "")


def _author(one: Found) -> str:
    """Return the login that wrote its first line: nobody may write one in another's name."""
    logs = (marks.entries(one.fields, log) for log in words.logs_of(one.itop_class))
    return next((str(lines[0].get("user_id")) for lines in logs if lines), "")


def _is_ours(author: str) -> bool:
    """Tell whether a login is our own."""
    if not author.isdigit():
        return False
    # Users are not for everybody to read; who asks is known all the same.
    query = f"SELECT Person WHERE id = :current_contact_id AND :current_user->id = {author}"
    return bool(session().client.get("Person", query, ("id",)).objects)


def _cleared(one: Found) -> str:
    """Say what became of one; nothing of a closed one that our user may not delete."""
    was, name = str(one.fields.get("status")), f"{one.itop_class} {one.fields.get('ref')}"
    ref = _ref(one)
    if ref and not _is_of_kit(ref):
        # Anybody's alert may be titled like a check: what is a ticket here is no leftover.
        return f"{name} is {ref} here, which no check opened: it is left alone."
    try:
        if was != "closed":
            _end(one)
        if ref or str(one.fields.get("title")).endswith(KEPT):
            return f"{name} was {was} and is {_status(one)}; it is on record, and stays."
        session().client.delete(one.itop_class, one.id, COMMENT)
    except ItopRightError as fault:
        return (
            "" if was == "closed" else f"{name} was {was} and is {_status(one)}; it stays: {fault}"
        )
    except ItopError as fault:
        return f"{name} ({was}) stays in iTop: {fault}"
    return f"{name} was {was}, and is removed."


def _is_of_kit(ref: str) -> bool:
    """Tell whether a check opened our ticket: its first line is the kit's."""
    first = LogLine.objects.filter(ticket_id=ref).order_by("n").first()
    return first is not None and first.author == RULE.author


def _status(one: Found) -> str:
    """Return the state that iTop has it in now."""
    try:
        found = session().client.get(one.itop_class, one.id, ("status",)).objects
    except ItopError as fault:
        return f"not to be read ({fault})"
    return next((str(now_there.fields.get("status")) for now_there in found), "gone")


def _end(one: Found) -> None:
    """Bring an object to its end, by whichever of the stimuli its state has."""
    team, agent = session().names.assigned_to("", "")
    solved = {} if one.itop_class == "Problem" else _SOLVED
    given: dict[str, dict[str, Any]] = {
        "ev_assign": {"team_id": team, "agent_id": agent},
        "ev_resolve": solved,
        "ev_close": {},
    }
    for stimulus, values in given.items():
        try:
            session().client.stimulate(
                one.itop_class, one.id, stimulus, values, COMMENT, ("id",)
            )  # fmt: skip
        except ItopStimulusError:
            # Its state has none such: it is further on, or over.
            continue


_SOLVED: Final = {"solution": _SAID, "resolution_code": "other"}
